#include "services/scaler/target_split.h"

#include <numeric>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using testing::ElementsAre;

TEST(SplitTargetTest, OnePoolGetsAll) {
  EXPECT_THAT(SplitTarget(7, {3}), ElementsAre(7));
  EXPECT_THAT(SplitTarget(0, {3}), ElementsAre(0));
}

TEST(SplitTargetTest, WhatIsMissingGoesWhereFewestAre) {
  EXPECT_THAT(SplitTarget(8, {4, 1, 0}), ElementsAre(4, 2, 2));
  EXPECT_THAT(SplitTarget(3, {0, 0}), ElementsAre(2, 1));
}

TEST(SplitTargetTest, WhatIsTooMuchIsTakenWhereMostAre) {
  EXPECT_THAT(SplitTarget(4, {5, 1, 2}), ElementsAre(1, 1, 2));
}

TEST(SplitTargetTest, PoolThatDoesNotAnswerGetsNone) {
  EXPECT_THAT(SplitTarget(4, {-1, 1}), ElementsAre(0, 4));
  EXPECT_THAT(SplitTarget(4, {-1, -1}), ElementsAre(0, 0));
}

TEST(SplitTargetTest, SharesAddUpAndMoveNothingNeedlessly) {
  std::mt19937 random(1);
  std::uniform_int_distribution<int> count(-1, 30);
  for (int round = 0; round < 2000; ++round) {
    std::vector<int> current(1 + round % 5);
    for (int& n : current) n = count(random);
    current[0] = std::max(current[0], 0);
    const int desired = 1 + count(random);
    const std::vector<int> shares = SplitTarget(desired, current);
    EXPECT_EQ(std::accumulate(shares.begin(), shares.end(), 0), desired);
    int have = 0;
    for (int n : current) have += std::max(n, 0);
    for (size_t i = 0; i < current.size(); ++i) {
      EXPECT_GE(shares[i], 0);
      if (current[i] < 0) {
        EXPECT_EQ(shares[i], 0);
      } else if (desired >= have) {
        EXPECT_GE(shares[i], current[i]);
      } else {
        EXPECT_LE(shares[i], current[i]);
      }
    }
  }
}

}  // namespace
}  // namespace so
