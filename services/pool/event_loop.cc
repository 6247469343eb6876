#include "services/pool/event_loop.h"

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

#include "base/mutex.h"

#define ASIO_STANDALONE
#include "asio/executor_work_guard.hpp"
#include "asio/io_context.hpp"
#include "asio/posix/stream_descriptor.hpp"
#include "asio/post.hpp"
#include "asio/steady_timer.hpp"

namespace so {
namespace {

class AsioWatch final : public EventLoop::Watch {
 public:
  AsioWatch(asio::io_context& context, int fd) : descriptor_(context, fd) {}
  // Completions that are already queued find `alive_` gone.
  ~AsioWatch() override { descriptor_.release(); }

  void WhenReadable(absl::AnyInvocable<void()> ready) override {
    Wait(asio::posix::stream_descriptor::wait_read, std::move(ready));
  }
  void WhenWritable(absl::AnyInvocable<void()> ready) override {
    Wait(asio::posix::stream_descriptor::wait_write, std::move(ready));
  }

 private:
  void Wait(asio::posix::stream_descriptor::wait_type type,
            absl::AnyInvocable<void()> ready) {
    descriptor_.async_wait(
        type, [alive = std::weak_ptr<bool>(alive_), ready = std::move(ready)](
                  const asio::error_code& error) mutable {
          if (!error && !alive.expired()) ready();
        });
  }

  asio::posix::stream_descriptor descriptor_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

class EventLoop::State {
 public:
  State() : thread_([this] { context_.run(); }) {}
  ~State() {
    context_.stop();
    thread_.join();
  }

  asio::io_context& context() { return context_; }

  TimerId Schedule(absl::Duration delay, absl::AnyInvocable<void()> callback) {
    const TimerId id = ++last_timer_;
    asio::steady_timer& timer = timers_.try_emplace(id, context_).first->second;
    timer.expires_after(absl::ToChronoNanoseconds(
        std::clamp(delay, absl::ZeroDuration(), absl::Hours(24 * 365))));
    timer.async_wait([this, id, callback = std::move(callback)](
                         const asio::error_code&) mutable {
      // Cancel may have come between the expiry and this call.
      if (timers_.erase(id) > 0) callback();
    });
    return id;
  }
  bool Cancel(TimerId id) { return timers_.erase(id) > 0; }

 private:
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{
      context_.get_executor()};
  TimerId last_timer_ = 0;
  std::map<TimerId, asio::steady_timer> timers_;
  std::thread thread_;
};

EventLoop::EventLoop() : state_(std::make_unique<State>()) {}
EventLoop::~EventLoop() = default;

void EventLoop::Post(absl::AnyInvocable<void()> work) {
  asio::post(state_->context(), [work = std::move(work)]() mutable { work(); });
}

void EventLoop::Run(absl::AnyInvocable<void()> work) {
  Mutex mu;
  CondVar changed;
  bool done = false;
  Post([&] {
    work();
    // Signalled under the lock: all three are gone once it is released.
    MutexLock lock(mu);
    done = true;
    changed.Signal();
  });
  MutexLock lock(mu);
  while (!done) changed.Wait(mu);
}

TimerId EventLoop::Schedule(absl::Duration delay,
                            absl::AnyInvocable<void()> callback) {
  return state_->Schedule(delay, std::move(callback));
}

bool EventLoop::Cancel(TimerId id) { return state_->Cancel(id); }

std::unique_ptr<EventLoop::Watch> EventLoop::WatchFd(int fd) {
  return std::make_unique<AsioWatch>(state_->context(), fd);
}

}  // namespace so
