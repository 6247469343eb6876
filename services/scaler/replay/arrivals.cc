#include "services/scaler/replay/arrivals.h"

#include <algorithm>

#include "services/scaler/replay/name_random.h"

namespace so {
namespace {

constexpr int64_t kMinuteNanos = 60'000'000'000;

}  // namespace

Arrivals::Arrivals(const TraceFunction& function, Spread spread, uint64_t seed)
    : function_(function),
      spread_(spread),
      random_(RandomOf(function.name, seed)) {}

bool Arrivals::Next(absl::Duration& time) {
  if (next_call_ == calls_.size()) {
    if (next_minute_ == function_.minutes.size()) return false;
    FillMinute(function_.minutes[next_minute_++]);
  }
  time = calls_[next_call_++];
  return true;
}

void Arrivals::FillMinute(const MinuteCalls& minute) {
  calls_.resize(minute.calls);
  next_call_ = 0;
  const absl::Duration start = minute.minute * absl::Minutes(1);
  for (uint32_t i = 0; i < minute.calls; ++i) {
    // In the middle of equal parts, or anywhere. Not a distribution of the
    // standard library: they differ between libraries.
    const int64_t nanos =
        spread_ == Spread::kEven
            ? kMinuteNanos / minute.calls * i + kMinuteNanos / minute.calls / 2
            : static_cast<int64_t>(random_() % kMinuteNanos);
    calls_[i] = start + absl::Nanoseconds(nanos);
  }
  if (spread_ == Spread::kRandom) std::sort(calls_.begin(), calls_.end());
}

}  // namespace so
