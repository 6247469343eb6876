#include "telemetry/latency_histogram.h"

#include <algorithm>
#include <cmath>

namespace so {
namespace {

constexpr double kSmallestMs = 0.001;

}  // namespace

size_t LatencyHistogram::BucketOf(double ms) {
  if (!(ms > kSmallestMs)) return 0;  // NaN too.
  // ms / kSmallestMs = fraction * 2^exponent, with fraction in [0.5, 1).
  int exponent;
  const double fraction = std::frexp(ms / kSmallestMs, &exponent);
  const int octave = exponent - 1;
  const int within = static_cast<int>((fraction - 0.5) * 2 * kPerOctave);
  const size_t bucket = static_cast<size_t>(octave) * kPerOctave + within;
  return std::min(bucket, kBuckets - 1);
}

double LatencyHistogram::UpperBound(size_t bucket) {
  const int octave = static_cast<int>(bucket / kPerOctave);
  const double within = static_cast<double>(bucket % kPerOctave + 1);
  return kSmallestMs * std::ldexp(1 + within / kPerOctave, octave);
}

void LatencyHistogram::Record(double ms) {
  ++buckets_[BucketOf(ms)];
  ++count_;
}

void LatencyHistogram::Add(const LatencyHistogram& other) {
  for (size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
}

void LatencyHistogram::Clear() { *this = LatencyHistogram(); }

double LatencyHistogram::Quantile(double q) const {
  if (count_ == 0) return 0;
  const auto rank = static_cast<uint64_t>(
      std::max(1.0, std::ceil(q * static_cast<double>(count_))));
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= rank) return UpperBound(i);
  }
  return UpperBound(kBuckets - 1);
}

}  // namespace so
