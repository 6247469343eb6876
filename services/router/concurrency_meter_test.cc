#include "services/router/concurrency_meter.h"

#include <random>

#include "base/testing/manual_clock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

class ConcurrencyMeterTest : public testing::Test {
 protected:
  void Begin() { meter_.Begin(clock_.Now()); }
  void End() { meter_.End(clock_.Now()); }
  void Pass(absl::Duration time) { clock_.Advance(time); }
  absl::Duration CallTime() { return meter_.CallTime(clock_.Now()); }
  int Peak() { return meter_.Peak(clock_.Now()); }

  ManualClock clock_;
  ConcurrencyMeter meter_;
};

TEST_F(ConcurrencyMeterTest, StartsEmpty) {
  EXPECT_EQ(CallTime(), absl::ZeroDuration());
  Pass(absl::Hours(1));
  EXPECT_EQ(CallTime(), absl::ZeroDuration());
  EXPECT_EQ(Peak(), 0);
}

TEST_F(ConcurrencyMeterTest, TheMeanOfAConstantConcurrencyIsExact) {
  for (int i = 0; i < 3; ++i) Begin();
  Pass(absl::Milliseconds(1234));
  const absl::Duration before = CallTime();
  // The calls are others each time, as many as before.
  for (int i = 0; i < 1000; ++i) {
    Pass(absl::Microseconds(777));
    Begin();
    End();
  }
  EXPECT_EQ(CallTime() - before, 3 * 1000 * absl::Microseconds(777));
}

TEST_F(ConcurrencyMeterTest, CallsInProgressCountUntilNow) {
  Begin();
  Pass(absl::Seconds(2));
  EXPECT_EQ(CallTime(), absl::Seconds(2));
  Pass(absl::Seconds(1));
  EXPECT_EQ(CallTime(), absl::Seconds(3));
  End();
  Pass(absl::Seconds(1));
  EXPECT_EQ(CallTime(), absl::Seconds(3));
}

TEST_F(ConcurrencyMeterTest, OverlappingCallsAddUp) {
  std::mt19937 random(1);
  std::uniform_int_distribution<int> length(0, 5000);
  absl::Duration expected;
  for (int i = 0; i < 500; ++i) {
    const absl::Duration duration = absl::Milliseconds(length(random));
    expected += duration;
    clock_.Schedule(absl::Milliseconds(length(random)), [this, duration] {
      Begin();
      clock_.Schedule(duration, [this] { End(); });
    });
  }
  Pass(absl::Seconds(11));
  EXPECT_EQ(meter_.calls(), 0);
  EXPECT_EQ(CallTime(), expected);
}

TEST_F(ConcurrencyMeterTest, AShortPeakIsSeenForTenSeconds) {
  for (int i = 0; i < 5; ++i) Begin();
  for (int i = 0; i < 4; ++i) End();
  EXPECT_EQ(Peak(), 5);
  Pass(absl::Seconds(10));
  EXPECT_EQ(Peak(), 5);
  Pass(absl::Seconds(1));
  EXPECT_EQ(Peak(), 1);  // The one that runs still.
  End();
  Pass(absl::Seconds(12));
  EXPECT_EQ(Peak(), 0);
}

TEST_F(ConcurrencyMeterTest, APeakCountsFromItsEnd) {
  for (int i = 0; i < 5; ++i) Begin();
  Pass(absl::Minutes(1));
  EXPECT_EQ(Peak(), 5);
  for (int i = 0; i < 5; ++i) End();
  Pass(absl::Seconds(9));
  EXPECT_EQ(Peak(), 5);
  Pass(absl::Seconds(2));
  EXPECT_EQ(Peak(), 0);
}

}  // namespace
}  // namespace so
