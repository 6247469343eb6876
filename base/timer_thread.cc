#include "base/timer_thread.h"

#include <algorithm>

namespace so {

TimerThread::TimerThread(const Clock& clock)
    : clock_(clock), thread_([this] { Run(); }) {}

TimerThread::~TimerThread() { Stop(); }

void TimerThread::Stop() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    changed_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

TimerId TimerThread::Schedule(absl::Duration delay,
                              absl::AnyInvocable<void()> callback) {
  const absl::Time when = clock_.Now() + std::max(delay, absl::ZeroDuration());
  MutexLock lock(mu_);
  const TimerId id = ++last_id_;
  const auto it = due_.emplace(std::pair(when, id), std::move(callback)).first;
  times_.emplace(id, when);
  // Most timers are deadlines that are cancelled, so the first one due is often
  // later than what the thread sleeps for already.
  if (it == due_.begin() && when < sleeping_until_) changed_.Signal();
  return id;
}

bool TimerThread::Cancel(TimerId id) {
  absl::AnyInvocable<void()> dropped;  // Destroyed outside the lock.
  MutexLock lock(mu_);
  const auto it = times_.find(id);
  if (it == times_.end()) return false;
  const auto entry = due_.find({it->second, id});
  dropped = std::move(entry->second);
  due_.erase(entry);
  times_.erase(it);
  return true;
}

void TimerThread::Run() {
  while (true) {
    absl::AnyInvocable<void()> callback;
    {
      MutexLock lock(mu_);
      while (!stopping_) {
        if (due_.empty()) {
          sleeping_until_ = absl::InfiniteFuture();
          changed_.Wait(mu_);
          continue;
        }
        sleeping_until_ = due_.begin()->first.first;
        const absl::Duration wait = sleeping_until_ - clock_.Now();
        if (wait <= absl::ZeroDuration()) break;
        // Bounded: an infinite delay must not overflow the system's wait.
        changed_.WaitFor(mu_, std::min(wait, absl::Hours(1)));
      }
      // It looks again before it sleeps.
      sleeping_until_ = absl::InfinitePast();
      if (stopping_) return;
      const auto first = due_.begin();
      times_.erase(first->first.second);
      callback = std::move(first->second);
      due_.erase(first);
    }
    callback();
  }
}

}  // namespace so
