#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"

namespace so {

// How many GB-seconds the instances of one function were idle in the last 24
// hours, in hours by the clock (UTC): the one at hand and the 23 before it. Not
// thread-safe.
class IdleBudget {
 public:
  static constexpr int kHours = 24;

  // `gb_seconds` more. What is not above 0 is nothing. `now` does not fall.
  void Spend(double gb_seconds, absl::Time now);

  // GB-seconds.
  double Used(absl::Time now) const;
  // Whether that much has been used; never for a budget of 0, which is none.
  bool Exhausted(double budget, absl::Time now) const;

  // By hour, the oldest first; and the last of them, since 1970 (0 before
  // anything was spent). As in LearnedWarming.
  std::vector<double> ByHour() const;
  int64_t last_hour() const { return last_hour_; }
  // What they returned once. Another number of hours than kHours is taken for
  // nothing spent.
  void Restore(absl::Span<const double> by_hour, int64_t last_hour);

 private:
  void MoveTo(int64_t hour);

  // The slot of an hour is its number modulo kHours.
  std::array<double, kHours> spent_{};
  int64_t last_hour_ = 0;
};

}  // namespace so
