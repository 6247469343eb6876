#include "services/scaler/policy/warm_plan.h"

#include "gtest/gtest.h"

namespace so {
namespace {

const WarmPlan kPlan = {.keep = absl::Minutes(2),
                        .prewarm = absl::Minutes(10),
                        .prewarm_keep = absl::Minutes(3)};

TEST(WarmPlanTest, WarmWhileKeptAndAgainAfterTheStart) {
  EXPECT_TRUE(kPlan.WarmAfter(absl::ZeroDuration()));
  EXPECT_TRUE(kPlan.WarmAfter(absl::Minutes(2)));
  EXPECT_FALSE(kPlan.WarmAfter(absl::Minutes(3)));
  EXPECT_TRUE(kPlan.WarmAfter(absl::Minutes(10)));
  EXPECT_TRUE(kPlan.WarmAfter(absl::Minutes(13)));
  EXPECT_FALSE(kPlan.WarmAfter(absl::Minutes(14)));
}

TEST(WarmPlanTest, WarmTimeLeavesOutTheTimeBetween) {
  EXPECT_EQ(kPlan.WarmTime(absl::Minutes(1)), absl::Minutes(1));
  EXPECT_EQ(kPlan.WarmTime(absl::Minutes(9)), absl::Minutes(2));
  EXPECT_EQ(kPlan.WarmTime(absl::Minutes(11)), absl::Minutes(3));
  EXPECT_EQ(kPlan.WarmTime(absl::Hours(9)), absl::Minutes(5));
}

TEST(WarmPlanTest, WithoutAStartAheadItIsOver) {
  const WarmPlan plan = {.keep = absl::Minutes(2)};
  EXPECT_FALSE(plan.has_prewarm());
  EXPECT_FALSE(plan.WarmAfter(absl::Hours(99)));
  EXPECT_EQ(plan.WarmTime(absl::Hours(99)), absl::Minutes(2));
}

}  // namespace
}  // namespace so
