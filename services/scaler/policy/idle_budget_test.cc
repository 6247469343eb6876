#include "services/scaler/policy/idle_budget.h"

#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using testing::Each;
using testing::SizeIs;

const absl::Time kStart = absl::FromUnixSeconds(1767225600);
constexpr int64_t kStartHour = 1767225600 / 3600;

TEST(IdleBudgetTest, ExhaustedWhenAsMuchIsUsed) {
  IdleBudget budget;
  budget.Spend(10, kStart);
  EXPECT_FALSE(budget.Exhausted(10.5, kStart));
  EXPECT_TRUE(budget.Exhausted(10, kStart));
  EXPECT_FALSE(budget.Exhausted(0, kStart));
}

TEST(IdleBudgetTest, ForgetsAfterADay) {
  IdleBudget budget;
  for (int hour = 0; hour < 30; ++hour) {
    budget.Spend(1, kStart + absl::Hours(hour));
  }
  const absl::Time last = kStart + absl::Hours(29);
  EXPECT_EQ(budget.Used(last), 24);
  EXPECT_EQ(budget.Used(last + absl::Hours(3)), 21);
  EXPECT_EQ(budget.Used(last + absl::Hours(24)), 0);
  EXPECT_EQ(budget.Used(last + absl::Hours(24 * 400)), 0);
  budget.Spend(2, last + absl::Hours(100));
  EXPECT_EQ(budget.Used(last + absl::Hours(100)), 2);
}

TEST(IdleBudgetTest, StateIsRestored) {
  IdleBudget budget;
  budget.Spend(3, kStart - absl::Hours(2));
  budget.Spend(4, kStart);
  EXPECT_EQ(budget.last_hour(), kStartHour);
  ASSERT_THAT(budget.ByHour(), SizeIs(24));
  EXPECT_EQ(budget.ByHour()[23], 4);
  EXPECT_EQ(budget.ByHour()[21], 3);

  IdleBudget restored;
  restored.Restore(budget.ByHour(), budget.last_hour());
  EXPECT_EQ(restored.Used(kStart), 7);
  EXPECT_EQ(restored.Used(kStart + absl::Hours(22)), 4);
}

TEST(IdleBudgetTest, UnsoundStateIsNothing) {
  IdleBudget budget;
  budget.Restore({1, 2}, kStartHour);
  EXPECT_EQ(budget.Used(kStart), 0);
  std::vector<double> hours(24, std::numeric_limits<double>::quiet_NaN());
  hours[0] = -5;
  budget.Restore(hours, -7);
  EXPECT_THAT(budget.ByHour(), Each(0));
  budget.Spend(std::numeric_limits<double>::infinity(), kStart);
  budget.Spend(-1, kStart);
  EXPECT_EQ(budget.Used(kStart), 0);
}

TEST(IdleBudgetTest, ClockSetBackLosesNothing) {
  IdleBudget budget;
  budget.Spend(3, kStart);
  budget.Spend(4, kStart - absl::Hours(5));
  EXPECT_EQ(budget.Used(kStart), 7);
}

}  // namespace
}  // namespace so
