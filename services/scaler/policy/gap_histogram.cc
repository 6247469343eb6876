#include "services/scaler/policy/gap_histogram.h"

#include <algorithm>

namespace so {
namespace {

// Long before a double overflows.
constexpr double kRescaleAt = 1e100;

}  // namespace

GapHistogram::GapHistogram(const Options& options)
    : bin_(std::max(options.bin, absl::Milliseconds(1))),
      growth_(1 / std::clamp(options.retention, 1e-6, 1.0)),
      weights_(std::max(options.bins, 1)) {}

void GapHistogram::Add(absl::Duration gap) {
  newest_ *= growth_;
  if (newest_ > kRescaleAt) Rescale();
  total_ += newest_;
  gap = std::max(gap, absl::ZeroDuration());
  if (gap >= range()) {
    beyond_ += newest_;
    return;
  }
  weights_[static_cast<size_t>(absl::FDivDuration(gap, bin_))] += newest_;
}

void GapHistogram::Rescale() {
  for (double& weight : weights_) weight /= newest_;
  beyond_ /= newest_;
  total_ /= newest_;
  newest_ = 1;
}

}  // namespace so
