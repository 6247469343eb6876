#include "sandbox/launcher/poller.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace so {
namespace {

constexpr int kEvents = 64;

}  // namespace

Poller::Watch::~Watch() {
  poller_.watches_.erase(key_);
  epoll_ctl(poller_.epoll_.get(), EPOLL_CTL_DEL, fd_, nullptr);
}

void Poller::Watch::Change(uint32_t events) {
  epoll_event event = {};
  event.events = events;
  event.data.u64 = key_;
  epoll_ctl(poller_.epoll_.get(), EPOLL_CTL_MOD, fd_, &event);
}

Poller::Poller(Clock& clock)
    : clock_(clock), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_.valid()) std::abort();
}

std::unique_ptr<Poller::Watch> Poller::WatchFd(
    int fd, uint32_t events, absl::AnyInvocable<void(uint32_t)> ready) {
  const uint64_t key = next_key_++;
  epoll_event event = {};
  event.events = events;
  event.data.u64 = key;
  // Fails for want of kernel memory only.
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) std::abort();
  watches_.emplace(key, std::make_shared<Ready>(std::move(ready)));
  return std::make_unique<Watch>(*this, fd, key);
}

TimerId Poller::Schedule(absl::Duration delay,
                         absl::AnyInvocable<void()> callback) {
  const TimerId id = next_timer_++;
  timers_.emplace(std::pair(clock_.Now() + delay, id), std::move(callback));
  return id;
}

bool Poller::Cancel(TimerId id) {
  const auto it =
      std::find_if(timers_.begin(), timers_.end(),
                   [&](const auto& timer) { return timer.first.second == id; });
  if (it == timers_.end()) return false;
  timers_.erase(it);
  return true;
}

void Poller::RunOnce(absl::Duration limit) {
  epoll_event events[kEvents];
  const int count =
      epoll_wait(epoll_.get(), events, kEvents, MillisToWait(limit));
  for (int i = 0; i < count; ++i) {
    // A copy: the kernel's struct is packed.
    const uint64_t id = events[i].data.u64;
    const auto it = watches_.find(id);
    if (it == watches_.end()) continue;
    const std::shared_ptr<Ready> ready = it->second;
    (*ready)(events[i].events);
  }
  RunTimers();
}

int Poller::MillisToWait(absl::Duration limit) const {
  if (!timers_.empty()) {
    limit = std::min(limit, timers_.begin()->first.first - clock_.Now());
  }
  if (limit == absl::InfiniteDuration()) return -1;
  // Rounded up: a timer that is not quite due would be polled for.
  return static_cast<int>(std::clamp<int64_t>(
      absl::ToInt64Milliseconds(limit + absl::Microseconds(999)), 0, 60'000));
}

void Poller::RunTimers() {
  const absl::Time now = clock_.Now();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    auto callback = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    callback();
  }
}

}  // namespace so
