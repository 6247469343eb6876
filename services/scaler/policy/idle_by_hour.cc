#include "services/scaler/policy/idle_by_hour.h"

#include <algorithm>
#include <cmath>

namespace so {
namespace {

int64_t HourOf(absl::Time time) {
  return std::max<int64_t>(absl::ToUnixSeconds(time), 0) / 3600;
}

}  // namespace

void IdleByHour::Add(double gb_seconds, absl::Time now) {
  if (!std::isfinite(gb_seconds) || gb_seconds < 0) return;
  const int64_t hour = HourOf(now);
  if (hour < last_hour_) return;
  for (int64_t h = std::max(last_hour_ + 1, hour - kHours + 1); h <= hour;
       ++h) {
    At(h) = 0;
  }
  last_hour_ = hour;
  At(hour) += gb_seconds;
}

double IdleByHour::Sum(absl::Time now) const {
  const int64_t oldest = std::max(HourOf(now), last_hour_) - kHours + 1;
  double sum = 0;
  for (int i = 0; i < kHours; ++i) {
    const int64_t hour = last_hour_ - i;
    if (hour < std::max<int64_t>(oldest, 0)) break;
    sum += hours_[hour % kHours];
  }
  return sum;
}

std::vector<double> IdleByHour::hours() const {
  std::vector<double> hours;
  for (int i = kHours - 1; i >= 0; --i) {
    const int64_t hour = last_hour_ - i;
    hours.push_back(hour < 0 ? 0 : hours_[hour % kHours]);
  }
  return hours;
}

bool IdleByHour::Restore(absl::Span<const double> hours, int64_t last_hour,
                         absl::Time now) {
  if (hours.size() != kHours || last_hour < 0 || last_hour > HourOf(now)) {
    return false;
  }
  for (const double hour : hours) {
    if (!std::isfinite(hour) || hour < 0) return false;
  }
  last_hour_ = last_hour;
  for (int i = 0; i < kHours; ++i) {
    const int64_t hour = last_hour - (kHours - 1 - i);
    if (hour >= 0) At(hour) = hours[i];
  }
  return true;
}

double& IdleByHour::At(int64_t hour) { return hours_[hour % kHours]; }

}  // namespace so
