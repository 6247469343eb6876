#include "services/scaler/policy/idle_budget.h"

#include <algorithm>
#include <cmath>

namespace so {
namespace {

int64_t HourOf(absl::Time time) {
  return std::max<int64_t>(
      absl::ToInt64Hours(absl::Floor(time - absl::UnixEpoch(), absl::Hours(1))),
      0);
}

}  // namespace

void IdleBudget::Spend(double gb_seconds, absl::Time now) {
  if (!(gb_seconds > 0) || !std::isfinite(gb_seconds)) return;
  MoveTo(HourOf(now));
  spent_[last_hour_ % kHours] += gb_seconds;
}

double IdleBudget::Used(absl::Time now) const {
  const int64_t hour = HourOf(now);
  double used = 0;
  const int64_t first = std::max<int64_t>(
      {hour - kHours + 1, last_hour_ - kHours + 1, int64_t{0}});
  for (int64_t past = first; past <= last_hour_; ++past) {
    used += spent_[past % kHours];
  }
  return used;
}

bool IdleBudget::Exhausted(double budget, absl::Time now) const {
  return budget > 0 && Used(now) >= budget;
}

std::vector<double> IdleBudget::ByHour() const {
  std::vector<double> by_hour;
  by_hour.reserve(kHours);
  for (int64_t i = 1; i <= kHours; ++i) {
    by_hour.push_back(spent_[(last_hour_ + i) % kHours]);
  }
  return by_hour;
}

void IdleBudget::Restore(absl::Span<const double> by_hour, int64_t last_hour) {
  spent_.fill(0);
  last_hour_ = std::max<int64_t>(last_hour, 0);
  if (by_hour.size() != kHours) return;
  for (int64_t i = 0; i < kHours; ++i) {
    const double value = by_hour[i];
    const bool sound = value > 0 && std::isfinite(value);
    spent_[(last_hour_ + 1 + i) % kHours] = sound ? value : 0;
  }
}

void IdleBudget::MoveTo(int64_t hour) {
  if (hour - last_hour_ >= kHours) {
    spent_.fill(0);
    last_hour_ = hour;
  }
  // Earlier than the last: a clock set back, or state of later. Counts as then.
  while (last_hour_ < hour) spent_[++last_hour_ % kHours] = 0;
}

}  // namespace so
