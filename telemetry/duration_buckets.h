#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace so {

// A cumulative histogram of seconds with the bounds that `Bounds::kSeconds`
// names, rising. Never reset. Not thread-safe.
template <typename Bounds>
class Buckets {
 public:
  static constexpr auto& kBounds = Bounds::kSeconds;
  static constexpr size_t kCount = Bounds::kSeconds.size();

  void Record(double seconds) {
    for (size_t i = 0; i < kCount; ++i) {
      if (seconds <= kBounds[i]) ++counts_[i];
    }
    ++count_;
    sum_ += seconds;
  }

  // counts()[i] observations were at most kBounds[i].
  const std::array<uint64_t, kCount>& counts() const { return counts_; }
  uint64_t count() const { return count_; }
  double sum() const { return sum_; }

 private:
  std::array<uint64_t, kCount> counts_ = {};
  uint64_t count_ = 0;
  double sum_ = 0;
};

// What OpenTelemetry recommends for durations.
struct DurationBounds {
  static constexpr std::array<double, 14> kSeconds = {
      0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
      0.5,   0.75, 1.0,   2.5,  5.0,   7.5, 10.0};
};
using DurationBuckets = Buckets<DurationBounds>;

// For steps of a start, most of which take well under a millisecond.
struct StepBounds {
  static constexpr std::array<double, 14> kSeconds = {
      0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
      0.01,    0.025,  0.05,    0.1,    0.5,   2.5,    10.0};
};
using StepBuckets = Buckets<StepBounds>;

}  // namespace so
