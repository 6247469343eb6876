#include "base/cron.h"

#include <random>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/testing/status_matchers.h"

namespace so {
namespace {

using testing::HasSubstr;

absl::TimeZone Zone(const std::string& name) {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(name, &zone)) << name;
  return zone;
}

CronSchedule Cron(absl::string_view text) {
  absl::StatusOr<CronSchedule> schedule = CronSchedule::Parse(text);
  EXPECT_THAT(schedule, IsOk()) << text;
  return *schedule;
}

absl::Time At(absl::string_view text) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, &error))
      << text << ": " << error;
  return time;
}

std::string Local(absl::Time time, absl::TimeZone zone) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S %Z", time, zone);
}

// ---- text

struct WrongText {
  std::string text;
  std::string says;
};

class CronErrorTest : public testing::TestWithParam<WrongText> {};

TEST_P(CronErrorTest, SaysWhichFieldAndWhy) {
  const auto schedule = CronSchedule::Parse(GetParam().text);
  EXPECT_THAT(schedule, HasCode(absl::StatusCode::kInvalidArgument))
      << GetParam().text;
  EXPECT_THAT(std::string(schedule.status().message()),
              HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Texts, CronErrorTest,
    testing::ValuesIn(std::vector<WrongText>{
        {"", "must have 5 fields"},
        {"* * * *", "has 4"},
        {"* * * * * *", "has 6"},
        {"60 * * * *", "minute: 60 is not 0 to 59"},
        {"-1 * * * *", "minute: \"\" is not a number"},
        {"* 24 * * *", "hour: 24 is not 0 to 23"},
        {"* * 0 * *", "day of month: 0 is not 1 to 31"},
        {"* * 32 * *", "day of month: 32 is not 1 to 31"},
        {"* * * 13 *", "month: 13 is not 1 to 12"},
        {"* * * FOO *", "month: \"FOO\" is not a number or name"},
        {"* * * MON *", "month: \"MON\" is not"},
        {"* * * * 8", "day of week: 8 is not 0 to 7"},
        {"MON * * * *", "minute: \"MON\" is not a number"},
        {"5-3 * * * *", "minute: the range \"5-3\" is empty"},
        {"* * * * SAT-FRI", "day of week: the range"},
        {"*/0 * * * *", "minute: the step \"0\""},
        {"*/x * * * *", "minute: the step \"x\""},
        {"*/ * * * *", "minute: the step \"\""},
        {"1/2/3 * * * *", "minute: the step \"2/3\""},
        {"1,,2 * * * *", "minute: a part of the list is empty"},
        {"1, * * * *", "minute: a part of the list is empty"},
        {"1-2-3 * * * *", "minute: \"2-3\" is not a number"},
        {"+1 * * * *", "minute: \"+1\" is not a number"},
        {"1\n * * * *", "minute: \"1\\n\" is not a number"},
        {"99999999999999999999 * * * *", "is not a number"},
        {"@reboot", "\"@reboot\" is not one of @hourly"},
        {std::string(257, '*'), "at most 256 bytes"},
    }));

TEST(CronTest, EqualSchedules) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {"@hourly", "0 * * * *"},
      {"@daily", "0 0 * * *"},
      {"@Midnight", "0 0 * * *"},
      {"@weekly", "0 0 * * SUN"},
      {"@monthly", "0 0 1 * *"},
      {"@yearly", "0 0 1 1 *"},
      {"@annually", "0 0 1 jan *"},
      {"  0\t9  * * 1-5 ", "0 9 * * mon-FRI"},
      {"0 0 * * 7", "0 0 * * 0"},
      {"0 0 * * FRI-SUN", "0 0 * * 0,5,6"},
      {"0 0 * * 5-7", "0 0 * * 0,5,6"},
      {"0 0 * * SUN-TUE", "0 0 * * 0,1,2"},
      {"*/20 * * * *", "0,20,40 * * * *"},
      {"5/20 * * * *", "5,25,45 * * * *"},
      {"10-30/10,59 * * * *", "10,20,30,59 * * * *"},
      {"0 0 * 1-12/3 *", "0 0 * JAN,APR,JUL,OCT *"},
  };
  for (const auto& [a, b] : pairs) {
    absl::Time x = At("2026-01-01T00:00:00Z");
    absl::Time y = x;
    for (int i = 0; i < 100; ++i) {
      x = Cron(a).Next(x, utc);
      y = Cron(b).Next(y, utc);
      ASSERT_EQ(x, y) << a << " / " << b;
    }
  }
}

// ---- times

TEST(CronTest, NextIsStrictlyAfterAndPreviousAtOrBefore) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  const CronSchedule nine = Cron("0 9 * * 1-5");
  // 2026-11-26 is a Thursday.
  EXPECT_EQ(nine.Next(At("2026-11-26T08:59:59Z"), utc),
            At("2026-11-26T09:00:00Z"));
  EXPECT_EQ(nine.Next(At("2026-11-26T09:00:00Z"), utc),
            At("2026-11-27T09:00:00Z"));
  EXPECT_EQ(nine.Next(At("2026-11-27T09:00:00.5Z"), utc),
            At("2026-11-30T09:00:00Z"));
  EXPECT_EQ(nine.Previous(At("2026-11-26T09:00:00Z"), utc),
            At("2026-11-26T09:00:00Z"));
  EXPECT_EQ(nine.Previous(At("2026-11-26T08:59:59.9Z"), utc),
            At("2026-11-25T09:00:00Z"));
  EXPECT_EQ(nine.Previous(At("2026-11-30T08:00:00Z"), utc),
            At("2026-11-27T09:00:00Z"));
}

TEST(CronTest, EitherDayMatchesWhenBothAreRestricted) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  absl::Time time = At("2026-02-01T12:00:00Z");
  std::vector<int> days;
  const CronSchedule either = Cron("0 0 13 * FRI");
  for (int i = 0; i < 5; ++i) {
    time = either.Next(time, utc);
    days.push_back(absl::ToCivilDay(time, utc).day());
  }
  EXPECT_THAT(days, testing::ElementsAre(6, 13, 20, 27, 6));
  // A field that begins with * is not restricted, even with a step.
  time = Cron("0 0 */13 * FRI").Next(At("2026-02-01T12:00:00Z"), utc);
  EXPECT_EQ(time, At("2026-02-27T00:00:00Z"));
}

TEST(CronTest, NothingWithinFiveYears) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  const absl::Time now = At("2026-01-01T00:00:00Z");
  EXPECT_EQ(Cron("0 0 30 2 *").Next(now, utc), absl::InfiniteFuture());
  EXPECT_EQ(Cron("0 0 30 2 *").Previous(now, utc), absl::InfinitePast());
  EXPECT_EQ(Cron("0 0 31 4,6,9,11 *").Next(now, utc), absl::InfiniteFuture());
  EXPECT_EQ(Cron("0 0 29 2 *").Next(now, utc), At("2028-02-29T00:00:00Z"));
  EXPECT_EQ(Cron("0 0 29 2 *").Previous(now, utc), At("2024-02-29T00:00:00Z"));
  // 2100 is no leap year.
  EXPECT_EQ(Cron("0 0 29 2 *").Next(At("2096-03-01T00:00:00Z"), utc),
            absl::InfiniteFuture());
}

TEST(CronTest, TimesWithoutAnEnd) {
  const CronSchedule always = Cron("* * * * *");
  const absl::TimeZone zone = Zone("Europe/Berlin");
  for (const absl::Time time : {absl::InfiniteFuture(), absl::InfinitePast(),
                                absl::UniversalEpoch() + absl::Hours(1e12),
                                absl::UniversalEpoch() - absl::Hours(1e12)}) {
    EXPECT_EQ(always.Next(time, zone), absl::InfiniteFuture());
    EXPECT_EQ(always.Previous(time, zone), absl::InfinitePast());
  }
}

TEST(CronTest, SkippedTimesFireOnceWhenTheClocksChange) {
  const absl::TimeZone berlin = Zone("Europe/Berlin");
  const absl::Time change = At("2026-03-29T03:00:00+02:00");
  EXPECT_EQ(Cron("30 2 * * *").Next(At("2026-03-28T12:00:00Z"), berlin),
            change);
  EXPECT_EQ(Cron("30 2 * * *").Next(change, berlin),
            At("2026-03-30T02:30:00+02:00"));
  EXPECT_EQ(Cron("30 2 * * *").Previous(change, berlin), change);
  EXPECT_EQ(Cron("30 2 * * *").Previous(change - absl::Nanoseconds(1), berlin),
            At("2026-03-28T02:30:00+01:00"));
  // All that are left out are one firing.
  const CronSchedule often = Cron("*/15 * * * *");
  EXPECT_EQ(often.Next(At("2026-03-29T01:45:00+01:00"), berlin), change);
  EXPECT_EQ(often.Next(change, berlin), At("2026-03-29T03:15:00+02:00"));
}

TEST(CronTest, RepeatedTimesFireTheFirstTime) {
  const absl::TimeZone new_york = Zone("America/New_York");
  const CronSchedule nightly = Cron("30 1 * * *");
  const absl::Time first = At("2026-11-01T01:30:00-04:00");
  EXPECT_EQ(nightly.Next(At("2026-11-01T00:00:00-04:00"), new_york), first);
  EXPECT_EQ(nightly.Next(first, new_york), At("2026-11-02T01:30:00-05:00"));
  EXPECT_EQ(nightly.Next(At("2026-11-01T01:10:00-05:00"), new_york),
            At("2026-11-02T01:30:00-05:00"));
  EXPECT_EQ(nightly.Previous(At("2026-11-01T01:10:00-05:00"), new_york), first);
  const CronSchedule often = Cron("*/20 * * * *");
  EXPECT_EQ(often.Next(At("2026-11-01T01:40:00-04:00"), new_york),
            At("2026-11-01T02:00:00-05:00"));
  EXPECT_EQ(often.Previous(At("2026-11-01T01:59:59-05:00"), new_york),
            At("2026-11-01T01:40:00-04:00"));
}

TEST(CronTest, ADayThatIsLeftOut) {
  // Samoa went over the date line: there was no 30 December.
  const absl::TimeZone apia = Zone("Pacific/Apia");
  const absl::Time next =
      Cron("0 12 30 12 *").Next(At("2011-12-29T00:00:00Z"), apia);
  EXPECT_EQ(next, At("2011-12-31T00:00:00+14:00"));
}

// ---- properties

// A field by chance, most often one that matches now and then.
std::string RandomField(std::mt19937& random, int min, int max) {
  const auto pick = [&](int a, int b) {
    return std::uniform_int_distribution<int>(a, b)(random);
  };
  const int a = pick(min, max);
  const int b = pick(a, max);
  switch (pick(0, 5)) {
    case 0:
    case 1:
      return "*";
    case 2:
      return absl::StrCat(a);
    case 3:
      return absl::StrCat(a, "-", b);
    case 4:
      return absl::StrCat("*/", pick(1, max));
    default:
      return absl::StrCat(a, ",", b, ",", pick(min, max));
  }
}

std::string RandomCron(std::mt19937& random) {
  return absl::StrCat(
      RandomField(random, 0, 59), " ", RandomField(random, 0, 23), " ",
      RandomField(random, 1, 31), " ", RandomField(random, 1, 12), " ",
      RandomField(random, 0, 7));
}

// Minute by minute: when the clock shows each local minute, in order.
struct Walked {
  absl::Time at;
  absl::CivilMinute local;
};

std::vector<Walked> Walk(absl::TimeZone zone, absl::Time from,
                         absl::Time until) {
  std::vector<Walked> minutes;
  absl::CivilMinute expected = absl::ToCivilMinute(from, zone);
  for (absl::Time t = from; t < until; t += absl::Minutes(1)) {
    const absl::CivilMinute local = absl::ToCivilMinute(t, zone);
    // Those left out fire now.
    for (; expected < local; ++expected) minutes.push_back({t, expected});
    if (local < expected) continue;
    minutes.push_back({t, local});
    expected = local + 1;
  }
  return minutes;
}

class CronZoneTest : public testing::TestWithParam<std::string> {};

// Holds Next and Previous to the minutes walked from `begin` to `end`.
void ExpectAgreement(const std::string& text, absl::TimeZone zone,
                     const std::vector<Walked>& minutes, absl::Time begin,
                     absl::Time end) {
  const CronSchedule schedule = Cron(text);
  absl::Time last = begin - absl::Nanoseconds(1);
  for (const Walked& minute : minutes) {
    if (minute.at == last || !schedule.Matches(minute.local)) continue;
    ASSERT_EQ(schedule.Next(last, zone), minute.at)
        << text << ": " << Local(minute.at, zone);
    ASSERT_EQ(schedule.Previous(minute.at, zone), minute.at) << text;
    if (last >= begin) {
      ASSERT_EQ(schedule.Previous(minute.at - absl::Nanoseconds(1), zone), last)
          << text << ": " << Local(minute.at, zone);
    }
    last = minute.at;
  }
  ASSERT_GE(schedule.Next(last, zone), end) << text;
}

TEST_P(CronZoneTest, AgreesWithAWalkThroughAYear) {
  const absl::TimeZone zone = Zone(GetParam());
  const absl::Time begin = At("2026-01-15T00:00:00Z");
  const absl::Time end = begin + absl::Hours(366 * 24);
  const std::vector<Walked> minutes = Walk(zone, begin, end);
  std::mt19937 random(7);
  std::vector<std::string> texts = {"30 2 * * *", "0 1 * * *", "59 1 * * SUN"};
  while (texts.size() < 8) {
    // No more than a few times an hour; the next test has those.
    texts.push_back(absl::StrCat(RandomField(random, 0, 59), " ", texts.size(),
                                 ",2 ", RandomField(random, 1, 31), " * ",
                                 RandomField(random, 0, 7)));
  }
  for (const std::string& text : texts) {
    ExpectAgreement(text, zone, minutes, begin, end);
  }
}

TEST_P(CronZoneTest, AgreesWithAWalkAroundEachChange) {
  const absl::TimeZone zone = Zone(GetParam());
  std::mt19937 random(8);
  absl::Time time = At("2026-01-01T00:00:00Z");
  absl::TimeZone::CivilTransition change;
  for (int i = 0; i < 2 && zone.NextTransition(time, &change); ++i) {
    time = absl::FromCivil(change.to, zone);
    const absl::Time begin = time - absl::Hours(30);
    const absl::Time end = time + absl::Hours(30);
    const std::vector<Walked> minutes = Walk(zone, begin, end);
    for (int j = 0; j < 60; ++j) {
      const std::string text =
          j == 0 ? "* * * * *"
                 : absl::StrCat(RandomField(random, 0, 59), " ",
                                RandomField(random, 0, 4), " * * *");
      ExpectAgreement(text, zone, minutes, begin, end);
    }
  }
}

TEST_P(CronZoneTest, NextRisesAndMatchesTheFieldsOrAChange) {
  const absl::TimeZone zone = Zone(GetParam());
  std::mt19937 random(11);
  for (int i = 0; i < 300; ++i) {
    const std::string text = RandomCron(random);
    const CronSchedule schedule = Cron(text);
    absl::Time time =
        At("2020-01-01T00:00:00Z") +
        absl::Seconds(std::uniform_int_distribution<int>(0, 200000000)(random));
    for (int j = 0; j < 50; ++j) {
      const absl::Time next = schedule.Next(time, zone);
      ASSERT_GT(next, time) << text;
      if (next == absl::InfiniteFuture()) break;
      absl::TimeZone::CivilTransition change;
      const bool changes =
          zone.NextTransition(next - absl::Nanoseconds(1), &change) &&
          absl::FromCivil(change.to, zone) == next;
      ASSERT_TRUE(changes || schedule.Matches(absl::ToCivilMinute(next, zone)))
          << text << ": " << Local(next, zone);
      ASSERT_EQ(schedule.Previous(next, zone), next);
      // From anywhere between the two.
      ASSERT_EQ(schedule.Next(time + (next - time) / 2, zone), next) << text;
      time = next;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Zones, CronZoneTest,
                         testing::Values("Europe/Berlin", "America/New_York",
                                         "Australia/Lord_Howe"),
                         [](const auto& test) {
                           std::string name = test.param;
                           for (char& c : name) {
                             if (!absl::ascii_isalnum(c)) c = '_';
                           }
                           return name;
                         });

TEST(CronTest, TextByChanceNeverBreaksIt) {
  std::mt19937 random(3);
  const std::string letters = "0123456789*/-, @JANMOSUDEFR\t\n\xff";
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    const int length = std::uniform_int_distribution<int>(0, 24)(random);
    for (int j = 0; j < length; ++j) {
      text += letters[std::uniform_int_distribution<size_t>(
          0, letters.size() - 1)(random)];
    }
    const auto schedule = CronSchedule::Parse(text);
    if (!schedule.ok()) continue;
    schedule->Next(At("2026-01-01T00:00:00Z"), absl::UTCTimeZone());
  }
}

}  // namespace
}  // namespace so
