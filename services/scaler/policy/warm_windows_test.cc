#include "services/scaler/policy/warm_windows.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using testing::HasSubstr;

absl::TimeZone Zone(const std::string& name) {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(name, &zone)) << name;
  return zone;
}

WarmWindowSpec Window(absl::string_view start, absl::Duration duration,
                      int instances = 1,
                      absl::TimeZone zone = absl::UTCTimeZone()) {
  return {*CronSchedule::Parse(start), duration, zone, instances};
}

// 2026-11-26 is a Thursday.
absl::Time At(int day, int hour, int minute,
              absl::TimeZone zone = absl::UTCTimeZone()) {
  return absl::FromCivil(absl::CivilMinute(2026, 11, day, hour, minute), zone);
}

int Wanted(WarmWindows& windows, absl::Time now, int max_instances = 20) {
  return windows.Propose({}, {.max_instances = max_instances}, now).wanted;
}

TEST(WarmWindowsTest, OpenFromItsStartUntilItsEnd) {
  WarmWindows windows({Window("0 9 * * 1-5", absl::Hours(8), 3)});
  EXPECT_EQ(Wanted(windows, At(26, 9, 0) - absl::Nanoseconds(1)), 0);
  EXPECT_EQ(Wanted(windows, At(26, 9, 0)), 3);
  EXPECT_EQ(Wanted(windows, At(26, 17, 0) - absl::Nanoseconds(1)), 3);
  EXPECT_EQ(Wanted(windows, At(26, 17, 0)), 0);
  EXPECT_EQ(Wanted(windows, At(28, 12, 0)), 0);
  EXPECT_EQ(windows.NextStart(At(27, 9, 0)), At(30, 9, 0));
}

TEST(WarmWindowsTest, ARestartFindsItOpen) {
  WarmWindows windows({Window("0 0 * * MON", absl::Hours(7 * 24), 2)});
  EXPECT_EQ(Wanted(windows, At(29, 23, 59)), 2);
  EXPECT_EQ(Wanted(windows, At(25, 3, 0)), 2);
}

TEST(WarmWindowsTest, TheLargestOfThoseOpenHolds) {
  WarmWindows windows({Window("0 9 * * *", absl::Hours(8), 2),
                       Window("0 12 * * *", absl::Hours(1), 5),
                       Window("30 12 * * *", absl::Hours(1), 3)});
  EXPECT_EQ(Wanted(windows, At(26, 11, 0)), 2);
  EXPECT_EQ(Wanted(windows, At(26, 12, 0)), 5);
  EXPECT_EQ(Wanted(windows, At(26, 12, 59)), 5);
  EXPECT_EQ(Wanted(windows, At(26, 13, 0)), 3);
  EXPECT_EQ(Wanted(windows, At(26, 13, 30)), 2);
  EXPECT_EQ(Wanted(windows, At(26, 12, 0), 4), 4);
}

TEST(WarmWindowsTest, SaysWhichWindowAndUntilWhen) {
  WarmWindows windows(
      {Window("0 9 * * 1-5", absl::Hours(8), 3, Zone("Europe/Berlin"))});
  const Proposal open = windows.Propose({}, {}, At(26, 9, 0));
  EXPECT_EQ(open.policy, "windows");
  EXPECT_EQ(open.formula,
            "window \"0 9 * * 1-5\" (Europe/Berlin) open until 2026-11-26 "
            "17:00; 3");
  EXPECT_FALSE(open.idle_timeout);
  EXPECT_THAT(windows.Propose({}, {}, At(27, 20, 0)).formula,
              HasSubstr("next \"0 9 * * 1-5\" (Europe/Berlin) at 2026-11-30 "
                        "09:00"));
  EXPECT_EQ(WarmWindows({}).Propose({}, {}, At(27, 20, 0)).formula,
            "no windows; 0");
  EXPECT_EQ(WarmWindows({}).NextStart(At(27, 20, 0)), absl::InfiniteFuture());
}

TEST(WarmWindowsTest, NeverBeginsWhatHasNoDay) {
  WarmWindows windows({Window("0 9 30 2 *", absl::Hours(8), 3)});
  EXPECT_EQ(Wanted(windows, At(26, 9, 0)), 0);
  EXPECT_THAT(windows.Propose({}, {}, At(26, 9, 0)).formula,
              HasSubstr("at never"));
}

TEST(WarmWindowsTest, ChangesOfTheClocks) {
  const absl::TimeZone berlin = Zone("Europe/Berlin");
  WarmWindows windows({Window("30 2 * * *", absl::Minutes(60), 1, berlin)});
  // 2:30 is left out on 29 March: it begins at the change, at 1:00 UTC.
  const absl::Time change =
      absl::FromCivil(absl::CivilHour(2026, 3, 29, 1), absl::UTCTimeZone());
  EXPECT_EQ(Wanted(windows, change - absl::Seconds(1)), 0);
  EXPECT_EQ(Wanted(windows, change), 1);
  EXPECT_EQ(Wanted(windows, change + absl::Minutes(60)), 0);
  // It comes twice on 25 October, and begins the first time: at 0:30 UTC.
  const absl::Time first = absl::FromCivil(
      absl::CivilMinute(2026, 10, 25, 0, 30), absl::UTCTimeZone());
  EXPECT_EQ(Wanted(windows, first), 1);
  EXPECT_EQ(Wanted(windows, first + absl::Minutes(59)), 1);
  EXPECT_EQ(Wanted(windows, first + absl::Minutes(60)), 0);
}

}  // namespace
}  // namespace so
