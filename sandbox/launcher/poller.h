#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/timers.h"
#include "base/unique_fd.h"

namespace so {

// Waits for descriptors and timers, and calls back: the launcher's one thread.
// Callbacks may add and remove any watch and timer, their own included.
//
//   Poller poller(clock);
//   const auto watch = poller.WatchFd(fd, EPOLLIN, [&](uint32_t) { Read(); });
//   while (!done) poller.RunOnce();
class Poller final : public Timers {
 public:
  // Ends the watching when it is destroyed, which must be before the descriptor
  // is closed and before the poller is destroyed.
  class Watch {
   public:
    Watch(Poller& poller, int fd, uint64_t key)
        : poller_(poller), fd_(fd), key_(key) {}
    ~Watch();
    Watch(const Watch&) = delete;

    // Replaces the events waited for.
    void Change(uint32_t events);

   private:
    Poller& poller_;
    const int fd_;
    const uint64_t key_;
  };

  explicit Poller(Clock& clock);

  // `ready` gets the events that are there. `fd` is borrowed.
  std::unique_ptr<Watch> WatchFd(int fd, uint32_t events,
                                 absl::AnyInvocable<void(uint32_t)> ready);

  TimerId Schedule(absl::Duration delay,
                   absl::AnyInvocable<void()> callback) override;
  bool Cancel(TimerId id) override;

  // Waits until something happens, at most `limit`, and calls back.
  void RunOnce(absl::Duration limit = absl::InfiniteDuration());

 private:
  using Ready = absl::AnyInvocable<void(uint32_t)>;

  int MillisToWait(absl::Duration limit) const;
  void RunTimers();

  Clock& clock_;
  const UniqueFd epoll_;
  // Shared, so that a callback can remove itself while it runs. Keys are never
  // used again: an event of a watch that is gone finds nobody.
  std::map<uint64_t, std::shared_ptr<Ready>> watches_;
  uint64_t next_key_ = 1;
  std::map<std::pair<absl::Time, TimerId>, absl::AnyInvocable<void()>> timers_;
  TimerId next_timer_ = 1;
};

}  // namespace so
