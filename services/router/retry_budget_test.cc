#include "services/router/retry_budget.h"

#include "gtest/gtest.h"

namespace so {
namespace {

int SpendAll(RetryBudget& budget) {
  int spent = 0;
  while (budget.Spend()) ++spent;
  return spent;
}

TEST(RetryBudgetTest, AQuietRouterMayRetryToo) {
  RetryBudget budget(10);
  EXPECT_EQ(SpendAll(budget), 10);
}

TEST(RetryBudgetTest, IsAPartOfWhatIsDispatched) {
  RetryBudget budget(10);
  SpendAll(budget);
  for (int i = 0; i < 9; ++i) budget.Earn();
  EXPECT_FALSE(budget.Spend());
  budget.Earn();
  EXPECT_TRUE(budget.Spend());
  EXPECT_FALSE(budget.Spend());
  for (int i = 0; i < 200; ++i) budget.Earn();
  EXPECT_EQ(SpendAll(budget), 20);
}

TEST(RetryBudgetTest, DoesNotGrowForEver) {
  RetryBudget budget(10);
  for (int i = 0; i < 100'000; ++i) budget.Earn();
  EXPECT_EQ(SpendAll(budget), 100);
}

TEST(RetryBudgetTest, NothingIsNothingAndAllIsAll) {
  RetryBudget none(0);
  for (int i = 0; i < 1000; ++i) none.Earn();
  EXPECT_FALSE(none.Spend());
  RetryBudget all(100);
  SpendAll(all);
  for (int i = 0; i < 50; ++i) {
    all.Earn();
    EXPECT_TRUE(all.Spend());
  }
}

}  // namespace
}  // namespace so
