#pragma once

#include <array>
#include <cstdint>

#include "absl/time/time.h"

namespace so {

// How many calls there are at a time: added up over time, and the most of the
// latest seconds. Each step takes constant time and allocates nothing. Not
// thread-safe.
class ConcurrencyMeter {
 public:
  // `now` never goes back from one call to the next.
  void Begin(absl::Time now) { Step(now, +1); }
  // Precondition: calls() > 0.
  void End(absl::Time now) { Step(now, -1); }

  // Right now.
  int calls() const { return calls_; }
  // The integral of calls() over the time until `now`: the difference of two
  // readings, divided by the time between them, is the mean.
  absl::Duration CallTime(absl::Time now) const;
  // The most calls at one moment of the last 10 seconds (up to 11: time goes by
  // in slices of a second).
  int Peak(absl::Time now) const;

 private:
  // The second that passes, and ten before it.
  static constexpr int kSlices = 11;

  struct Slice {
    // Seconds since the epoch.
    int64_t number = -1;
    int peak = 0;
  };

  void Step(absl::Time now, int change);
  void Note(int64_t number);

  int calls_ = 0;
  absl::Time since_ = absl::UnixEpoch();  // The latest step.
  absl::Duration call_time_;              // Until then.
  std::array<Slice, kSlices> slices_;
};

}  // namespace so
