#pragma once

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/executor.h"
#include "base/timers.h"

namespace so {

// One thread that owns everything about instances: timers, descriptors and all
// posted work run on it, one after the other, so that nothing there needs a
// lock. Post is thread-safe; the rest is for the loop thread only.
//
//   EventLoop loop;               // starts the thread
//   loop.Post([&] { pool.Start(...); });
//
// The destructor drops what has not run and joins.
class EventLoop final : public Executor, public Timers {
 public:
  // Tells when a descriptor is ready. Destroying it ends that; a callback may
  // destroy its own watch.
  class Watch {
   public:
    virtual ~Watch() = default;
    // Runs `ready` once, when the descriptor can be read from (or has ended).
    virtual void WhenReadable(absl::AnyInvocable<void()> ready) = 0;
    virtual void WhenWritable(absl::AnyInvocable<void()> ready) = 0;
  };

  EventLoop();
  ~EventLoop() override;

  void Post(absl::AnyInvocable<void()> work) override;
  // Posts `work` and waits until it has run. Not from the loop thread.
  void Run(absl::AnyInvocable<void()> work);

  TimerId Schedule(absl::Duration delay,
                   absl::AnyInvocable<void()> callback) override;
  bool Cancel(TimerId id) override;

  // `fd` is borrowed and must stay open for the life of the watch.
  std::unique_ptr<Watch> WatchFd(int fd);

 private:
  class State;
  const std::unique_ptr<State> state_;
};

}  // namespace so
