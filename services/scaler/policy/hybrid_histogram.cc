#include "services/scaler/policy/hybrid_histogram.h"

#include <cmath>

namespace so {
namespace {

// The first bin in which the share of the gaps within the range that are not
// longer reaches `share`.
int Percentile(const GapHistogram& gaps, double share) {
  const double wanted = share * (gaps.total() - gaps.beyond());
  double seen = 0;
  for (int i = 0; i < gaps.bins(); ++i) {
    seen += gaps.weight(i);
    if (seen >= wanted && seen > 0) return i;
  }
  return gaps.bins() - 1;
}

double VariationOfBins(const GapHistogram& gaps) {
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < gaps.bins(); ++i) {
    sum += gaps.weight(i);
    squares += gaps.weight(i) * gaps.weight(i);
  }
  if (sum <= 0) return 0;
  const double mean = sum / gaps.bins();
  return std::sqrt(std::max(squares / gaps.bins() - mean * mean, 0.0)) / mean;
}

}  // namespace

KeepAliveDecision HybridHistogram::Decide(
    const GapHistogram& gaps, const FunctionProfile& profile) const {
  KeepAliveDecision decision = {
      .profile = profile, .gaps = gaps.total(), .clamp = Fallback(gaps)};
  if (decision.clamp == PlanClamp::kNone) {
    decision.plan = PlanFor(gaps);
  } else {
    decision.plan.keep = options_.fallback;
  }
  return decision;
}

PlanClamp HybridHistogram::Fallback(const GapHistogram& gaps) const {
  if (gaps.total() < options_.min_gaps) return PlanClamp::kTooFewGaps;
  if (gaps.beyond() > options_.max_beyond * gaps.total()) {
    return PlanClamp::kBeyondRange;
  }
  if (VariationOfBins(gaps) < options_.min_variation) {
    return PlanClamp::kTooWide;
  }
  return PlanClamp::kNone;
}

WarmPlan HybridHistogram::PlanFor(const GapHistogram& gaps) const {
  // Of the earliest bin its beginning, of the last one its end.
  const absl::Duration first =
      Percentile(gaps, options_.prewarm_percentile) * gaps.bin();
  const absl::Duration last =
      (Percentile(gaps, options_.keep_percentile) + 1) * gaps.bin();
  const absl::Duration from = (1 - options_.margin) * first;
  const absl::Duration to = (1 + options_.margin) * last;
  // Letting go of an instance for less than a bin is not worth it.
  if (from < gaps.bin()) return {.keep = to};
  return {.prewarm = from, .prewarm_keep = to - from};
}

}  // namespace so
