#pragma once

#include <cstdint>

#include "absl/time/time.h"

namespace so {

// Whether instances of one function that are started ahead of calls are worth
// it. When more than 16 of the last 20 have ended without a single call, no
// more are to be started for 5 minutes; each time that comes again, for twice
// as long, up to an hour. Not thread-safe.
class WarmingWaste {
 public:
  static constexpr int kWindow = 20;
  static constexpr int kMaxUnused = 16;

  // One has ended. Returns for how long no more are to be started because of
  // it; zero when that changes nothing.
  absl::Duration Ended(bool used, absl::Time now);

  bool Allows(absl::Time now) const { return now >= held_until_; }

 private:
  // The last bits: 1 for one that was not used.
  uint32_t history_ = 0;
  int size_ = 0;
  absl::Duration pause_;
  absl::Time held_until_ = absl::InfinitePast();
};

}  // namespace so
