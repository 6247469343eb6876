#include "gtest/gtest.h"
#include "telemetry/call_window.h"
#include "telemetry/duration_buckets.h"
#include "telemetry/latency_histogram.h"

namespace so {
namespace {

TEST(LatencyHistogramTest, QuantilesAreWithinSixPercent) {
  LatencyHistogram histogram;
  for (int i = 1; i <= 10000; ++i) histogram.Record(i * 0.01);
  EXPECT_NEAR(histogram.Quantile(0.5), 50, 50 * 0.065);
  EXPECT_NEAR(histogram.Quantile(0.95), 95, 95 * 0.065);
  EXPECT_NEAR(histogram.Quantile(0.99), 99, 99 * 0.065);
  EXPECT_EQ(histogram.count(), 10000u);
}

TEST(LatencyHistogramTest, ExtremesStayInRange) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.Quantile(0.5), 0);
  histogram.Record(-1);
  histogram.Record(0);
  histogram.Record(1e300);
  EXPECT_LE(histogram.Quantile(0.1), 0.0011);
  EXPECT_GT(histogram.Quantile(1.0), 1e6);
}

TEST(CallWindowTest, ForgetsWhatIsOlderThanTheWindow) {
  CallWindow window(absl::Seconds(60));
  const absl::Time start = absl::FromUnixSeconds(1767225600);
  window.RecordCall(start, 10, false);
  window.RecordCall(start + absl::Seconds(30), 30, true);
  window.RecordQueueDepth(start + absl::Seconds(30), 7);
  CallSummary summary = window.Summarize(start + absl::Seconds(31));
  EXPECT_EQ(summary.calls, 2u);
  EXPECT_EQ(summary.errors, 1u);
  EXPECT_DOUBLE_EQ(summary.average, 20);
  EXPECT_EQ(summary.max_queue_depth, 7);
  EXPECT_NEAR(summary.p50, 10, 0.7);
  EXPECT_NEAR(summary.p99, 30, 2);

  EXPECT_EQ(window.Summarize(start + absl::Seconds(61)).calls, 1u);
  EXPECT_EQ(window.Summarize(start + absl::Seconds(200)).calls, 0u);
  window.RecordCall(start + absl::Seconds(200), 5, false);
  EXPECT_EQ(window.Summarize(start + absl::Seconds(200)).calls, 1u);
}

TEST(DurationBucketsTest, CountsAreCumulative) {
  DurationBuckets buckets;
  buckets.Record(0.007);
  buckets.Record(3);
  EXPECT_EQ(buckets.counts()[0], 0u);
  EXPECT_EQ(buckets.counts()[1], 1u);
  EXPECT_EQ(buckets.counts()[13], 2u);
  EXPECT_DOUBLE_EQ(buckets.sum(), 3.007);
}

}  // namespace
}  // namespace so
