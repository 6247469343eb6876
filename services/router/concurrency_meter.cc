#include "services/router/concurrency_meter.h"

#include <algorithm>

namespace so {

absl::Duration ConcurrencyMeter::CallTime(absl::Time now) const {
  if (calls_ == 0) return call_time_;
  return call_time_ + calls_ * (now - since_);
}

void ConcurrencyMeter::Step(absl::Time now, int change) {
  call_time_ = CallTime(now);
  since_ = now;
  const int64_t number = absl::ToUnixSeconds(now);
  // What has lasted until now counts for now, even if it ends with this step.
  Note(number);
  calls_ += change;
  Note(number);
}

void ConcurrencyMeter::Note(int64_t number) {
  Slice& slice = slices_[number % kSlices];
  if (slice.number != number) slice = {.number = number};
  slice.peak = std::max(slice.peak, calls_);
}

int ConcurrencyMeter::Peak(absl::Time now) const {
  const int64_t newest = absl::ToUnixSeconds(now);
  // It has not changed since the latest step.
  int peak = calls_;
  for (const Slice& slice : slices_) {
    if (slice.number <= newest - kSlices || slice.number > newest) continue;
    peak = std::max(peak, slice.peak);
  }
  return peak;
}

}  // namespace so
