#pragma once

#include <algorithm>

namespace so {

// How many calls may be dispatched again, because their first instance did not
// begin them: a part of those dispatched for the first time, and a few more
// after a quiet time. It keeps instances that refuse everything from doubling
// the load of those that are left. Not thread-safe.
class RetryBudget {
 public:
  // How many may be dispatched again before any call was dispatched, and at
  // most at once.
  static constexpr double kAtStart = 10;
  static constexpr double kMost = 100;

  // `percent` of calls, 0 to 100; with 0 none is dispatched again.
  explicit RetryBudget(double percent)
      : per_call_(percent / 100), tokens_(percent > 0 ? kAtStart : 0) {}

  // A call is dispatched for the first time.
  void Earn() { tokens_ = std::min(kMost, tokens_ + per_call_); }

  // Whether a call may be dispatched again, which it then must be.
  bool Spend() {
    // Adding up tenths must not cost a call its retry.
    constexpr double kRounding = 1e-6;
    if (tokens_ < 1 - kRounding) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  const double per_call_;
  double tokens_;
};

}  // namespace so
