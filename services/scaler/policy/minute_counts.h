#pragma once

#include <cstdint>
#include <deque>

#include "absl/time/time.h"
#include "services/scaler/policy/function_load.h"

namespace so {

// How many calls of one function ended in each minute of the latest day, and
// how long they ran: its load on record, for replays. Not thread-safe.
class MinuteCounts {
 public:
  static constexpr int kMinutes = 1440;

  // `now` does not fall.
  void Observe(const FunctionLoad& load, absl::Time now);

  // Minutes since 1970 of the first count; counts, the latest minute last.
  int64_t first() const { return first_; }
  const std::deque<int32_t>& calls() const { return calls_; }
  // How long the calls of all of them ran on average; 0 without any.
  absl::Duration average_run() const;

  // Of an earlier life. Counts that are negative or too many are left out.
  void Restore(int64_t first, std::deque<int32_t> calls,
               absl::Duration run_time);
  absl::Duration run_time() const { return run_time_; }

 private:
  void MoveTo(int64_t minute);

  int64_t first_ = 0;
  std::deque<int32_t> calls_;
  absl::Duration run_time_;
  double run_calls_ = 0;
};

}  // namespace so
