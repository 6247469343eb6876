#include "services/scaler/policy/gap_histogram.h"

#include <cmath>
#include <vector>

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

TEST(GapHistogramTest, RestoredGoesOnAsBefore) {
  GapHistogram gaps({.bins = 5, .retention = 0.7});
  for (int i = 0; i < 20; ++i) gaps.Add(absl::Minutes(i % 7));
  std::vector<double> weights;
  for (int i = 0; i < gaps.bins(); ++i) weights.push_back(gaps.weight(i));
  GapHistogram other({.bins = 5, .retention = 0.7});
  other.Add(absl::Minutes(1));
  ASSERT_TRUE(other.Restore(weights, gaps.beyond()));
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < gaps.bins(); ++i) {
      EXPECT_NEAR(other.weight(i), gaps.weight(i), 1e-9);
    }
    EXPECT_NEAR(other.beyond(), gaps.beyond(), 1e-9);
    EXPECT_NEAR(other.total(), gaps.total(), 1e-9);
    gaps.Add(absl::Minutes(2));
    other.Add(absl::Minutes(2));
  }
}

TEST(GapHistogramTest, RestoreRefusesWhatCannotBe) {
  GapHistogram gaps({.bins = 2, .retention = 0.5});
  gaps.Add(absl::Minutes(1));
  EXPECT_FALSE(gaps.Restore({1}, 0));
  EXPECT_FALSE(gaps.Restore({0, 0, 0}, 0));
  EXPECT_FALSE(gaps.Restore({-0.1, 0}, 0));
  EXPECT_FALSE(gaps.Restore({NAN, 0}, 0));
  EXPECT_FALSE(gaps.Restore({0, INFINITY}, 0));
  EXPECT_FALSE(gaps.Restore({0, 0}, -1));
  EXPECT_FALSE(gaps.Restore({0, 0}, NAN));
  // More than 1 + 1/2 + 1/4 + ... can be.
  EXPECT_FALSE(gaps.Restore({1.5, 1}, 0));
  EXPECT_DOUBLE_EQ(gaps.weight(1), 1);
  EXPECT_DOUBLE_EQ(gaps.total(), 1);
  EXPECT_TRUE(gaps.Restore({1, 0.5}, 0.5));
  EXPECT_FALSE(GapHistogram({.bins = 1, .retention = 1}).Restore({1e300}, 0));
}

}  // namespace
}  // namespace so
