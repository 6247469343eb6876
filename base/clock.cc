#include "base/clock.h"

#include <time.h>

#include "absl/time/clock.h"

namespace so {
namespace {

absl::Duration Monotonic() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::DurationFromTimespec(now);
}

}  // namespace

SystemClock::SystemClock()
    : wall_start_(absl::Now()), monotonic_start_(Monotonic()) {}

absl::Time SystemClock::Now() const {
  return wall_start_ + (Monotonic() - monotonic_start_);
}

absl::Time SystemClock::WallNow() const { return absl::Now(); }

}  // namespace so
