#include "services/router/token_bucket.h"

#include "base/testing/manual_clock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

class TokenBucketTest : public testing::Test {
 protected:
  bool Take(const RateLimit& limit) {
    if (!bucket_.HasToken(limit, clock_.Now())) return false;
    bucket_.Take();
    return true;
  }
  int TakeAll(const RateLimit& limit) {
    int taken = 0;
    while (Take(limit)) ++taken;
    return taken;
  }

  ManualClock clock_;
  TokenBucket bucket_;
};

TEST_F(TokenBucketTest, StartsWithItsBurst) {
  EXPECT_EQ(TakeAll({.rate = 1, .burst = 5}), 5);
}

TEST_F(TokenBucketTest, BurstIsASecondsWorthUnlessGiven) {
  EXPECT_EQ(RateLimit{.rate = 7}.capacity(), 7);
  EXPECT_EQ(RateLimit{.rate = 0.1}.capacity(), 1);
  EXPECT_EQ((RateLimit{.rate = 7, .burst = 2}.capacity()), 2);
}

TEST_F(TokenBucketTest, LetsInTheRateInTheLongRun) {
  const RateLimit limit{.rate = 3, .burst = 2};
  int taken = TakeAll(limit);
  for (int i = 0; i < 10'000; ++i) {
    clock_.Advance(absl::Milliseconds(7));
    taken += TakeAll(limit);
  }
  EXPECT_NEAR(taken, 3 * 70 + 2, 1);
}

TEST_F(TokenBucketTest, SaysWhenTheNextTokenComes) {
  const RateLimit limit{.rate = 0.1, .burst = 1};
  EXPECT_EQ(bucket_.UntilNext(limit, clock_.Now()), absl::ZeroDuration());
  ASSERT_TRUE(Take(limit));
  EXPECT_EQ(bucket_.UntilNext(limit, clock_.Now()), absl::Seconds(10));
  clock_.Advance(absl::Seconds(9.5));
  EXPECT_FALSE(Take(limit));
  clock_.Advance(bucket_.UntilNext(limit, clock_.Now()));
  EXPECT_TRUE(Take(limit));
}

TEST_F(TokenBucketTest, PauseFillsItUpToTheBurstOnly) {
  const RateLimit limit{.rate = 100, .burst = 3};
  TakeAll(limit);
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(TakeAll(limit), 3);
}

TEST_F(TokenBucketTest, ChangedLimitHoldsAtOnce) {
  EXPECT_TRUE(Take({.rate = 1, .burst = 100}));
  EXPECT_EQ(TakeAll({.rate = 1, .burst = 4}), 4);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(TakeAll({.rate = 50, .burst = 100}), 50);
}

}  // namespace
}  // namespace so
