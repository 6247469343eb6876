#include "services/scaler/policy/flap_counter.h"

#include <algorithm>

namespace so {
namespace {

constexpr absl::Duration kRecent = absl::Minutes(10);

}  // namespace

void FlapCounter::Observe(int number, absl::Time now) {
  const int direction = number > number_ ? 1 : number < number_ ? -1 : 0;
  if (known_ && direction != 0) {
    if (direction_ == -direction) {
      ++total_;
      recent_.push_back(now);
    }
    direction_ = direction;
  }
  known_ = true;
  number_ = number;
  while (!recent_.empty() && now - recent_.front() > kRecent) {
    recent_.pop_front();
  }
}

int FlapCounter::Recent(absl::Time now) const {
  return static_cast<int>(
      std::count_if(recent_.begin(), recent_.end(),
                    [&](absl::Time time) { return now - time <= kRecent; }));
}

}  // namespace so
