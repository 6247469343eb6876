#include "services/scaler/replay/arrivals.h"

#include <zlib.h>

#include <algorithm>

namespace so {
namespace {

constexpr int64_t kMinuteNanos = 60'000'000'000;

// The same function has the same calls in every replay with that seed, whatever
// other functions there are.
uint64_t SeedOf(const TraceFunction& function, uint64_t seed) {
  const uLong hash =
      crc32_z(0, reinterpret_cast<const Bytef*>(function.name.data()),
              function.name.size());
  return seed << 32 ^ hash;
}

}  // namespace

Arrivals::Arrivals(const TraceFunction& function, Spread spread, uint64_t seed)
    : function_(function), spread_(spread), random_(SeedOf(function, seed)) {}

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
