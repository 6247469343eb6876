#include "services/scaler/policy/gap_histogram.h"

#include <algorithm>
#include <cmath>

namespace so {
namespace {

// Long before a double overflows.
constexpr double kRescaleAt = 1e100;

constexpr int kMaxBins = 10'000;

// Of a histogram that forgets nothing, or hardly anything.
constexpr double kMostWeight = 1e15;

bool IsWeight(double value) { return std::isfinite(value) && value >= 0; }

}  // namespace

GapHistogram::GapHistogram(const Options& options)
    : bin_(std::clamp(options.bin, absl::Milliseconds(1), absl::Hours(24))),
      bin_ns_(absl::ToInt64Nanoseconds(bin_)),
      growth_(1 / std::clamp(options.retention, 1e-6, 1.0)),
      // A little more, for weights that were rounded.
      most_(growth_ > 1 ? std::min(1.001 / (1 - 1 / growth_), kMostWeight)
                        : kMostWeight),
      weights_(std::clamp(options.bins, 1, kMaxBins)) {}

void GapHistogram::Add(absl::Duration gap) {
  newest_ *= growth_;
  if (newest_ > kRescaleAt) Rescale();
  total_ += newest_;
  gap = std::max(gap, absl::ZeroDuration());
  if (gap >= range()) {
    beyond_ += newest_;
    return;
  }
  // Whole numbers, because this runs for every call; a gap within the range
  // has few enough nanoseconds.
  weights_[absl::ToInt64Nanoseconds(gap) / bin_ns_] += newest_;
}

bool GapHistogram::Restore(absl::Span<const double> weights, double beyond) {
  if (weights.size() != weights_.size() || !IsWeight(beyond)) return false;
  double total = beyond;
  for (const double weight : weights) {
    if (!IsWeight(weight)) return false;
    total += weight;
  }
  if (!(total <= most_)) return false;
  weights_.assign(weights.begin(), weights.end());
  beyond_ = beyond;
  total_ = total;
  newest_ = 1;
  return true;
}

void GapHistogram::Rescale() {
  for (double& weight : weights_) weight /= newest_;
  beyond_ /= newest_;
  total_ /= newest_;
  newest_ = 1;
}

}  // namespace so
