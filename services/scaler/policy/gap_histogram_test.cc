#include "services/scaler/policy/gap_histogram.h"

#include "gtest/gtest.h"

namespace so {
namespace {

TEST(GapHistogramTest, CountsByTheMinute) {
  GapHistogram gaps({.bins = 3, .retention = 1});
  gaps.Add(absl::ZeroDuration());
  gaps.Add(absl::Seconds(59));
  gaps.Add(absl::Seconds(60));
  gaps.Add(absl::Minutes(3) - absl::Nanoseconds(1));
  gaps.Add(absl::Minutes(3));
  gaps.Add(absl::InfiniteDuration());
  EXPECT_DOUBLE_EQ(gaps.weight(0), 2);
  EXPECT_DOUBLE_EQ(gaps.weight(1), 1);
  EXPECT_DOUBLE_EQ(gaps.weight(2), 1);
  EXPECT_DOUBLE_EQ(gaps.beyond(), 2);
  EXPECT_DOUBLE_EQ(gaps.total(), 6);
}

TEST(GapHistogramTest, NegativeGapIsNone) {
  GapHistogram gaps;
  gaps.Add(absl::Seconds(-5));
  EXPECT_DOUBLE_EQ(gaps.weight(0), 1);
}

TEST(GapHistogramTest, OldGapsWeighLess) {
  GapHistogram gaps({.bins = 3, .retention = 0.5});
  gaps.Add(absl::Minutes(0));
  gaps.Add(absl::Minutes(1));
  gaps.Add(absl::Minutes(2));
  EXPECT_DOUBLE_EQ(gaps.weight(0), 0.25);
  EXPECT_DOUBLE_EQ(gaps.weight(1), 0.5);
  EXPECT_DOUBLE_EQ(gaps.weight(2), 1);
  EXPECT_DOUBLE_EQ(gaps.total(), 1.75);
}

TEST(GapHistogramTest, WeightsStayFiniteForever) {
  GapHistogram gaps({.bins = 2, .retention = 0.5});
  for (int i = 0; i < 100000; ++i) gaps.Add(absl::Minutes(i % 2));
  EXPECT_NEAR(gaps.weight(1), 4.0 / 3, 1e-9);
  EXPECT_NEAR(gaps.weight(0), 2.0 / 3, 1e-9);
  EXPECT_NEAR(gaps.total(), 2, 1e-9);
}

}  // namespace
}  // namespace so
