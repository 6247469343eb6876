#include "services/scaler/policy/function_planner.h"

#include <vector>

#include "gtest/gtest.h"

namespace so {
namespace {

// Says how many gaps it was shown.
class CountingPolicy : public KeepAlivePolicy {
 public:
  std::string name() const override { return "counting"; }
  KeepAliveDecision Decide(const GapHistogram& gaps,
                           const FunctionProfile& profile) const override {
    return {.profile = profile, .gaps = gaps.total()};
  }
  GapHistogram::Options histogram() const override { return {.retention = 1}; }
};

class FunctionPlannerTest : public testing::Test {
 protected:
  double GapsOf(int k) {
    // Later than any refresh.
    now_ += absl::Hours(1);
    return planner_.Decide(k, now_).gaps;
  }

  CountingPolicy policy_;
  FunctionPlanner planner_{policy_, {.memory_gb = 0.5}, absl::Minutes(1)};
  absl::Time now_ = absl::UnixEpoch();
};

TEST_F(FunctionPlannerTest, EachOfTheFirstFourHasItsOwnHistory) {
  for (int k = 1; k <= 4; ++k) {
    for (int i = 0; i < k; ++i) planner_.Observe(k, absl::Minutes(1));
  }
  for (int k = 1; k <= 4; ++k) EXPECT_DOUBLE_EQ(GapsOf(k), k);
}

TEST_F(FunctionPlannerTest, HigherOnesShareBetweenPowersOfTwo) {
  planner_.Observe(5, absl::Minutes(1));
  planner_.Observe(8, absl::Minutes(1));
  planner_.Observe(9, absl::Minutes(1));
  EXPECT_DOUBLE_EQ(GapsOf(6), 2);
  EXPECT_DOUBLE_EQ(GapsOf(16), 1);
  EXPECT_DOUBLE_EQ(GapsOf(17), 0);
  EXPECT_DOUBLE_EQ(GapsOf(1 << 30), 0);
}

TEST_F(FunctionPlannerTest, PlansAnewAtMostOnceAMinute) {
  EXPECT_DOUBLE_EQ(planner_.Decide(1, now_).gaps, 0);
  planner_.Observe(1, absl::Minutes(1));
  EXPECT_DOUBLE_EQ(planner_.Decide(1, now_ + absl::Seconds(59)).gaps, 0);
  EXPECT_DOUBLE_EQ(planner_.Decide(1, now_ + absl::Seconds(60)).gaps, 1);
}

TEST_F(FunctionPlannerTest, ProfileReachesThePolicy) {
  EXPECT_DOUBLE_EQ(planner_.Decide(1, now_).profile.memory_gb, 0.5);
  planner_.SetProfile({.memory_gb = 2});
  now_ += absl::Minutes(1);
  EXPECT_DOUBLE_EQ(planner_.Decide(1, now_).profile.memory_gb, 2);
}

TEST_F(FunctionPlannerTest, RestoredKnowsTheSame) {
  for (int k = 1; k <= 9; ++k) planner_.Observe(k, absl::Minutes(k));
  FunctionPlanner other(policy_, {.memory_gb = 0.5});
  ASSERT_EQ(planner_.levels(), 6);
  for (int level = 0; level < planner_.levels(); ++level) {
    const GapHistogram& gaps = planner_.gaps(level);
    std::vector<double> weights;
    for (int i = 0; i < gaps.bins(); ++i) weights.push_back(gaps.weight(i));
    ASSERT_TRUE(other.Restore(level, weights, gaps.beyond()));
  }
  for (int k = 1; k <= 20; ++k) {
    EXPECT_EQ(other.Known(k), planner_.Known(k)) << k;
    EXPECT_EQ(other.Decide(k, now_).gaps, planner_.Decide(k, now_).gaps) << k;
  }
}

TEST_F(FunctionPlannerTest, RestoreRefusesWhatCannotBe) {
  const std::vector<double> none(GapHistogram(policy_.histogram()).bins());
  EXPECT_FALSE(planner_.Restore(-1, none, 0));
  EXPECT_FALSE(planner_.Restore(FunctionPlanner::kMostLevels, none, 0));
  EXPECT_FALSE(planner_.Restore(0, {1, 2}, 0));
  EXPECT_FALSE(planner_.Restore(0, none, -1));
  EXPECT_EQ(planner_.levels(), 0);
}

}  // namespace
}  // namespace so
