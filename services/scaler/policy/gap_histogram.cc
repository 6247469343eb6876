#include "services/scaler/policy/gap_histogram.h"

#include <algorithm>

namespace so {
namespace {

// Long before a double overflows.
constexpr double kRescaleAt = 1e100;

constexpr int kMaxBins = 10'000;

}  // namespace

GapHistogram::GapHistogram(const Options& options)
    : bin_(std::clamp(options.bin, absl::Milliseconds(1), absl::Hours(24))),
      bin_ns_(absl::ToInt64Nanoseconds(bin_)),
      growth_(1 / std::clamp(options.retention, 1e-6, 1.0)),
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

void GapHistogram::Rescale() {
  for (double& weight : weights_) weight /= newest_;
  beyond_ /= newest_;
  total_ /= newest_;
  newest_ = 1;
}

}  // namespace so
