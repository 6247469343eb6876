#include "services/router/drain_rate.h"

#include "base/testing/manual_clock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

class DrainRateTest : public testing::Test {
 protected:
  void Complete(int count, absl::Duration every) {
    for (int i = 0; i < count; ++i) {
      clock_.Advance(every);
      rate_.Record(clock_.Now());
    }
  }
  absl::Duration TimeFor(double calls) {
    return rate_.TimeFor(calls, clock_.Now());
  }

  ManualClock clock_;
  DrainRate rate_;
};

TEST_F(DrainRateTest, NothingKnownIsASecond) {
  EXPECT_EQ(rate_.PerSecond(clock_.Now()), 0);
  EXPECT_EQ(TimeFor(100), absl::Seconds(1));
}

TEST_F(DrainRateTest, SteadyCompletionsAreMeasured) {
  Complete(1000, absl::Milliseconds(50));
  EXPECT_NEAR(rate_.PerSecond(clock_.Now()), 20, 0.5);
  EXPECT_EQ(TimeFor(190), absl::Seconds(10));
}

TEST_F(DrainRateTest, YoungMeasurementIsNotTakenForASlowOne) {
  Complete(40, absl::Milliseconds(50));
  EXPECT_NEAR(rate_.PerSecond(clock_.Now()), 20, 2);
}

TEST_F(DrainRateTest, FollowsAChangeOfPace) {
  Complete(1000, absl::Milliseconds(50));
  Complete(60, absl::Seconds(1));
  EXPECT_NEAR(rate_.PerSecond(clock_.Now()), 1, 0.2);
}

TEST_F(DrainRateTest, WholeSecondsFromOneToSixty) {
  Complete(1000, absl::Milliseconds(1));
  EXPECT_EQ(TimeFor(1), absl::Seconds(1));
  EXPECT_EQ(TimeFor(1e9), absl::Seconds(60));
  EXPECT_EQ(TimeFor(1500), absl::Seconds(2));
}

TEST_F(DrainRateTest, StandstillIsTheLongestWait) {
  Complete(10, absl::Milliseconds(50));
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(TimeFor(1), absl::Seconds(60));
}

}  // namespace
}  // namespace so
