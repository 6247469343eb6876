#include "base/testing/manual_clock.h"

#include <algorithm>

namespace so {

ManualClock::ManualClock() : now_(absl::FromUnixSeconds(1767225600)) {}

TimerId ManualClock::Schedule(absl::Duration delay,
                              absl::AnyInvocable<void()> callback) {
  const TimerId id = ++last_id_;
  due_.emplace(std::pair(now_ + std::max(delay, absl::ZeroDuration()), id),
               std::move(callback));
  return id;
}

bool ManualClock::Cancel(TimerId id) {
  const auto it = std::find_if(
      due_.begin(), due_.end(),
      [id](const auto& entry) { return entry.first.second == id; });
  if (it == due_.end()) return false;
  due_.erase(it);
  return true;
}

void ManualClock::Advance(absl::Duration duration) {
  const absl::Time end = now_ + duration;
  while (!due_.empty() && due_.begin()->first.first <= end) {
    const auto first = due_.begin();
    now_ = std::max(now_, first->first.first);
    absl::AnyInvocable<void()> callback = std::move(first->second);
    due_.erase(first);
    callback();
  }
  now_ = end;
}

}  // namespace so
