#pragma once

#include "absl/time/time.h"

namespace so {

// The only source of time. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // Never jumps: the wall time at the start of the process, advanced by the
  // monotonic clock. For every timeout, age, idle time and measurement.
  virtual absl::Time Now() const = 0;

  // The wall clock, which an operator may set. For display and for records.
  virtual absl::Time WallNow() const = 0;
};

class SystemClock final : public Clock {
 public:
  SystemClock();
  absl::Time Now() const override;
  absl::Time WallNow() const override;

 private:
  const absl::Time wall_start_;
  const absl::Duration monotonic_start_;
};

}  // namespace so
