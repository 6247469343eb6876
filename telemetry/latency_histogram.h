#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace so {

// Counts durations in buckets of about 6 % width, from 1 µs to 17 minutes, in
// 2 KiB. Quantiles are therefore off by at most 6 %. Not thread-safe.
class LatencyHistogram {
 public:
  // `ms` below 1 µs counts as 1 µs, above 17 minutes as 17 minutes.
  void Record(double ms);
  void Add(const LatencyHistogram& other);
  void Clear();

  uint64_t count() const { return count_; }

  // The duration in ms below which the share `q` (0 to 1) lies; 0 when empty.
  double Quantile(double q) const;

 private:
  static constexpr int kOctaves = 30;
  static constexpr int kPerOctave = 16;
  static constexpr size_t kBuckets = kOctaves * kPerOctave;

  static size_t BucketOf(double ms);
  static double UpperBound(size_t bucket);

  std::array<uint32_t, kBuckets> buckets_ = {};
  uint64_t count_ = 0;
};

}  // namespace so
