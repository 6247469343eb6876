#pragma once

#include <map>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/timers.h"

namespace so {

// Timers on a thread of their own, which runs one callback after the other:
// callbacks must be short and must not block. Thread-safe. The destructor
// stops.
class TimerThread final : public Timers {
 public:
  explicit TimerThread(const Clock& clock);
  ~TimerThread() override;

  // Drops what has not run, waits for what is running, and ignores what is
  // scheduled from now on: afterwards, callbacks may lose what they point to.
  // Must not run on the timer thread. Idempotent.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

  TimerId Schedule(absl::Duration delay,
                   absl::AnyInvocable<void()> callback) override
      ABSL_LOCKS_EXCLUDED(mu_);
  bool Cancel(TimerId id) override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mu_);

  const Clock& clock_;
  Mutex mu_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  // When the thread wakes by itself; InfinitePast while it is awake.
  absl::Time sleeping_until_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  TimerId last_id_ ABSL_GUARDED_BY(mu_) = 0;
  // Ordered by due time, then by age.
  std::map<std::pair<absl::Time, TimerId>, absl::AnyInvocable<void()>> due_
      ABSL_GUARDED_BY(mu_);
  std::map<TimerId, absl::Time> times_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace so
