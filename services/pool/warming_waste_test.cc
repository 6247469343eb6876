#include "services/pool/warming_waste.h"

#include "base/testing/manual_clock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

class WarmingWasteTest : public testing::Test {
 protected:
  absl::Duration End(int times, bool used) {
    absl::Duration pause;
    for (int i = 0; i < times; ++i) pause = waste_.Ended(used, clock_.Now());
    return pause;
  }
  bool Allows() const { return waste_.Allows(clock_.Now()); }

  ManualClock clock_;
  WarmingWaste waste_;
};

TEST_F(WarmingWasteTest, AFewUnusedOnesAreNoWaste) {
  EXPECT_EQ(End(19, false), absl::ZeroDuration());
  EXPECT_TRUE(Allows());
}

TEST_F(WarmingWasteTest, UsedOnesKeepItGoing) {
  End(4, true);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(End(16, false), absl::ZeroDuration());
    EXPECT_EQ(End(4, true), absl::ZeroDuration());
  }
  EXPECT_TRUE(Allows());
}

TEST_F(WarmingWasteTest, WasteIsStoppedForLongerEachTime) {
  for (const absl::Duration pause :
       {absl::Minutes(5), absl::Minutes(10), absl::Minutes(20),
        absl::Minutes(40), absl::Hours(1), absl::Hours(1)}) {
    EXPECT_EQ(End(20, false), pause);
    EXPECT_FALSE(Allows());
    EXPECT_EQ(End(30, false), absl::ZeroDuration());  // Started before.
    clock_.Advance(pause);
    EXPECT_TRUE(Allows());
  }
}

TEST_F(WarmingWasteTest, ThePauseIsShortAgainAfterGoodTimes) {
  End(20, false);
  clock_.Advance(absl::Minutes(5));
  End(20, false);
  clock_.Advance(absl::Minutes(10));
  End(20, true);
  EXPECT_EQ(End(16, false), absl::ZeroDuration());
  EXPECT_EQ(End(1, false), absl::Minutes(5));
}

}  // namespace
}  // namespace so
