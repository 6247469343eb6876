#pragma once

#include <map>
#include <utility>

#include "base/clock.h"
#include "base/timers.h"

namespace so {

// A clock that moves only when told to, and the timers that go with it.
// Callbacks run on the thread that calls Advance, in order of their due time.
// Not thread-safe.
class ManualClock final : public Clock, public Timers {
 public:
  // Starts at 2026-01-01 00:00:00 UTC.
  ManualClock();

  absl::Time Now() const override { return now_; }
  absl::Time WallNow() const override { return now_; }

  TimerId Schedule(absl::Duration delay,
                   absl::AnyInvocable<void()> callback) override;
  bool Cancel(TimerId id) override;

  // Moves the time forward and runs what falls due, at its due time.
  // Advance(absl::ZeroDuration()) runs what is due now.
  void Advance(absl::Duration duration);

  size_t pending() const { return due_.size(); }

 private:
  absl::Time now_;
  TimerId last_id_ = 0;
  std::map<std::pair<absl::Time, TimerId>, absl::AnyInvocable<void()>> due_;
};

}  // namespace so
