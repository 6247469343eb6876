#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "absl/time/time.h"
#include "services/scaler/replay/trace.h"

namespace so {

// Where within its minute a call comes.
enum class Spread {
  // At equal distances.
  kEven,
  // By chance, reproducible by the seed.
  kRandom,
};

// The calls of a function one after the other, as times since the start of the
// trace, which do not fall.
class Arrivals {
 public:
  // `function` is borrowed.
  Arrivals(const TraceFunction& function, Spread spread, uint64_t seed);

  // False when there are no more.
  bool Next(absl::Duration& time);

 private:
  void FillMinute(const MinuteCalls& minute);

  const TraceFunction& function_;
  const Spread spread_;
  std::mt19937_64 random_;
  size_t next_minute_ = 0;
  // The calls of the present minute.
  std::vector<absl::Duration> calls_;
  size_t next_call_ = 0;
};

}  // namespace so
