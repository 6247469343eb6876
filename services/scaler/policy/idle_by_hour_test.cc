#include "services/scaler/policy/idle_by_hour.h"

#include <cmath>

#include "gtest/gtest.h"

namespace so {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1780000000 / 3600 * 3600);

absl::Time Hour(int hour) { return kNow + absl::Hours(hour); }

TEST(IdleByHourTest, SumsTheLast24Hours) {
  IdleByHour idle;
  EXPECT_EQ(idle.Sum(kNow), 0);
  for (int i = 0; i < 30; ++i) idle.Add(1 << (i % 8), Hour(i));
  EXPECT_EQ(idle.Sum(Hour(29)), 3 * 255);
  EXPECT_EQ(idle.Sum(Hour(30)), 3 * 255 - 64);
  EXPECT_EQ(idle.Sum(Hour(29 + 23)), 1 << (29 % 8));
  EXPECT_EQ(idle.Sum(Hour(29 + 24)), 0);
  idle.Add(5, Hour(100));
  EXPECT_EQ(idle.Sum(Hour(100)), 5);
}

TEST(IdleByHourTest, LeavesOutWhatMakesNoSense) {
  IdleByHour idle;
  idle.Add(1, kNow);
  idle.Add(-1, kNow);
  idle.Add(NAN, kNow);
  idle.Add(INFINITY, kNow);
  idle.Add(7, Hour(-3));
  EXPECT_EQ(idle.Sum(kNow), 1);
}

TEST(IdleByHourTest, RestoredIsTheSame) {
  IdleByHour idle;
  for (int i = 0; i < 40; ++i) idle.Add(i, Hour(i));
  IdleByHour other;
  ASSERT_TRUE(other.Restore(idle.hours(), idle.last_hour(), Hour(39)));
  for (int i = 39; i < 70; ++i) {
    EXPECT_EQ(other.Sum(Hour(i)), idle.Sum(Hour(i)));
  }
  EXPECT_EQ(other.hours(), idle.hours());
}

TEST(IdleByHourTest, RestoreRefusesWhatCannotBe) {
  IdleByHour idle;
  const int64_t hour = absl::ToUnixSeconds(kNow) / 3600;
  std::vector<double> hours(24);
  EXPECT_TRUE(idle.Restore(hours, hour, kNow));
  EXPECT_FALSE(idle.Restore(hours, hour + 1, kNow));
  EXPECT_FALSE(idle.Restore(hours, -1, kNow));
  hours[3] = NAN;
  EXPECT_FALSE(idle.Restore(hours, hour, kNow));
  hours[3] = -1;
  EXPECT_FALSE(idle.Restore(hours, hour, kNow));
  hours.pop_back();
  EXPECT_FALSE(idle.Restore(hours, hour, kNow));
}

}  // namespace
}  // namespace so
