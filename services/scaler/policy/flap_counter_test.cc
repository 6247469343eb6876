#include "services/scaler/policy/flap_counter.h"

#include "gtest/gtest.h"

namespace so {
namespace {

TEST(FlapCounterTest, CountsTurnsAndNotSteps) {
  FlapCounter flaps;
  const absl::Time now = absl::UnixEpoch();
  for (const int number : {0, 1, 3, 3, 8, 8}) flaps.Observe(number, now);
  EXPECT_EQ(flaps.total(), 0);
  flaps.Observe(7, now);
  EXPECT_EQ(flaps.total(), 1);
  flaps.Observe(2, now);
  EXPECT_EQ(flaps.total(), 1);
  flaps.Observe(3, now);
  EXPECT_EQ(flaps.total(), 2);
}

TEST(FlapCounterTest, FirstNumberIsNoRise) {
  FlapCounter flaps;
  flaps.Observe(5, absl::UnixEpoch());
  flaps.Observe(4, absl::UnixEpoch());
  EXPECT_EQ(flaps.total(), 0);
}

TEST(FlapCounterTest, RecentOnesAreThoseOfTenMinutes) {
  FlapCounter flaps;
  const absl::Time start = absl::UnixEpoch();
  for (int i = 0; i < 20; ++i) {
    flaps.Observe(i % 2, start + absl::Minutes(i));
  }
  EXPECT_EQ(flaps.total(), 18);
  EXPECT_EQ(flaps.Recent(start + absl::Minutes(19)), 11);
  EXPECT_EQ(flaps.Recent(start + absl::Minutes(40)), 0);
}

}  // namespace
}  // namespace so
