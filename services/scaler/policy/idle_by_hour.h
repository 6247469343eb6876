#pragma once

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"

namespace so {

// GB-seconds spent in the last 24 hours, hour by hour. A value; not
// thread-safe.
class IdleByHour {
 public:
  static constexpr int kHours = 24;

  // What is negative, not finite, or of an hour that is over, is left out.
  void Add(double gb_seconds, absl::Time now);

  // Of the hour of `now` and the 23 before it.
  double Sum(absl::Time now) const;

  // For what is remembered between runs: the hours up to and with last_hour(),
  // which is counted from 1970, the oldest first.
  std::vector<double> hours() const;
  int64_t last_hour() const { return last_hour_; }
  // False, and nothing changes, when they are not 24 finite numbers of 0 and
  // more. A last hour later than that of `now` is of a wrong clock.
  bool Restore(absl::Span<const double> hours, int64_t last_hour,
               absl::Time now);

 private:
  double& At(int64_t hour);

  // Hour h is at h modulo 24.
  std::vector<double> hours_ = std::vector<double>(kHours);
  int64_t last_hour_ = 0;
};

}  // namespace so
