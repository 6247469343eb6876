#pragma once

#include <array>
#include <cstdint>

namespace so {

// A cumulative histogram with the bucket bounds that OpenTelemetry recommends
// for durations, in seconds. Never reset. Not thread-safe.
class DurationBuckets {
 public:
  static constexpr std::array<double, 14> kBounds = {
      0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
      0.5,   0.75, 1.0,   2.5,  5.0,   7.5, 10.0};

  void Record(double seconds) {
    for (size_t i = 0; i < kBounds.size(); ++i) {
      if (seconds <= kBounds[i]) ++counts_[i];
    }
    ++count_;
    sum_ += seconds;
  }

  // counts()[i] observations were at most kBounds[i].
  const std::array<uint64_t, 14>& counts() const { return counts_; }
  uint64_t count() const { return count_; }
  double sum() const { return sum_; }

 private:
  std::array<uint64_t, 14> counts_ = {};
  uint64_t count_ = 0;
  double sum_ = 0;
};

}  // namespace so
