#include "services/pool/init_breaker.h"

#include "base/testing/manual_clock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

TEST(InitBreakerTest, OpensAfterThreeFailuresInARow) {
  ManualClock clock;
  InitBreaker breaker;
  const Error error = MakeError("FUNCTION_INIT_FAILED", "no", "no");
  breaker.Failed(error, clock.Now());
  breaker.Failed(error, clock.Now());
  breaker.Succeeded();
  breaker.Failed(error, clock.Now());
  breaker.Failed(error, clock.Now());
  EXPECT_TRUE(breaker.Allow(clock.Now()));
  breaker.Failed(error, clock.Now());
  EXPECT_FALSE(breaker.Allow(clock.Now()));
  EXPECT_EQ(breaker.last_error().message(), "no");
}

TEST(InitBreakerTest, LetsOneThroughEveryTenSeconds) {
  ManualClock clock;
  InitBreaker breaker;
  for (int i = 0; i < 3; ++i) breaker.Failed(Error(), clock.Now());
  clock.Advance(absl::Seconds(10) - absl::Nanoseconds(1));
  EXPECT_FALSE(breaker.Allow(clock.Now()));
  clock.Advance(absl::Nanoseconds(1));
  EXPECT_TRUE(breaker.Allow(clock.Now()));
  EXPECT_FALSE(breaker.Allow(clock.Now()));
  clock.Advance(absl::Seconds(10));
  EXPECT_TRUE(breaker.Allow(clock.Now()));
  breaker.Succeeded();
  EXPECT_TRUE(breaker.Allow(clock.Now()));
  EXPECT_TRUE(breaker.Allow(clock.Now()));
}

TEST(InitBreakerTest, CountsOnlyWhatTheFunctionDid) {
  EXPECT_TRUE(IsInitFailure(MakeError("FUNCTION_INIT_FAILED", "", "no")));
  EXPECT_TRUE(IsInitFailure(MakeError("FUNCTION_OOM", "", "no")));
  EXPECT_FALSE(IsInitFailure(MakeError("UNAVAILABLE", "", "no")));
  EXPECT_FALSE(IsInitFailure(MakeError("NO_CAPACITY", "", "no")));
}

}  // namespace
}  // namespace so
