#include "services/scaler/policy/minute_counts.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

namespace so {

void MinuteCounts::Observe(const FunctionLoad& load, absl::Time now) {
  MoveTo(absl::ToUnixSeconds(now) / 60);
  const double total = calls_.back() + load.calls;
  calls_.back() = static_cast<int32_t>(std::min(
      total, static_cast<double>(std::numeric_limits<int32_t>::max())));
  run_time_ += load.average_run * load.calls;
  run_calls_ += load.calls;
}

void MinuteCounts::MoveTo(int64_t minute) {
  const int64_t last = first_ + static_cast<int64_t>(calls_.size()) - 1;
  if (calls_.empty() || minute - last > kMinutes) {
    calls_.assign(1, 0);
    first_ = minute;
    return;
  }
  for (int64_t next = last; next < minute; ++next) calls_.push_back(0);
  while (calls_.size() > kMinutes) {
    calls_.pop_front();
    ++first_;
  }
}

absl::Duration MinuteCounts::average_run() const {
  return run_calls_ > 0 ? run_time_ / run_calls_ : absl::ZeroDuration();
}

void MinuteCounts::Restore(int64_t first, std::deque<int32_t> calls,
                           absl::Duration run_time) {
  const bool valid =
      first >= 0 && calls.size() <= kMinutes &&
      std::all_of(calls.begin(), calls.end(), [](int32_t n) { return n >= 0; });
  if (!valid) return;
  first_ = first;
  calls_ = std::move(calls);
  run_time_ = std::max(run_time, absl::ZeroDuration());
  run_calls_ = std::accumulate(calls_.begin(), calls_.end(), 0.0);
}

}  // namespace so
