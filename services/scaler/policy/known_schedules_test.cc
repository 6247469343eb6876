#include "services/scaler/policy/known_schedules.h"

#include "gtest/gtest.h"

namespace so {
namespace {

absl::TimeZone Zone(const std::string& name) {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(name, &zone)) << name;
  return zone;
}

absl::Time At(int day, int hour, int minute) {
  return absl::FromCivil(absl::CivilMinute(2026, 11, day, hour, minute),
                         absl::UTCTimeZone());
}

KnownSchedules Schedules(const std::vector<std::string>& texts,
                         absl::TimeZone zone = absl::UTCTimeZone()) {
  std::vector<KnownSchedule> schedules;
  for (const std::string& text : texts) {
    schedules.push_back({*CronSchedule::Parse(text), zone});
  }
  return KnownSchedules(std::move(schedules), absl::Seconds(2));
}

const FunctionSpec kSpec = {.cold_start = absl::Milliseconds(500)};

int Wanted(KnownSchedules& schedules, absl::Time now) {
  return schedules.Propose({}, kSpec, now).wanted;
}

TEST(KnownSchedulesTest, WantsOneAheadOfEachFiring) {
  KnownSchedules schedules = Schedules({"0 9 * * *"});
  const absl::Time fires = At(26, 9, 0);
  EXPECT_EQ(Wanted(schedules, fires - absl::Seconds(5.1)), 0);
  EXPECT_EQ(Wanted(schedules, fires - absl::Seconds(5)), 1);
  EXPECT_EQ(Wanted(schedules, fires), 1);
  EXPECT_EQ(Wanted(schedules, fires + absl::Seconds(59.9)), 1);
  EXPECT_EQ(Wanted(schedules, fires + absl::Seconds(60)), 0);
}

TEST(KnownSchedulesTest, AnyOfThemCounts) {
  KnownSchedules schedules = Schedules({"0 9 * * *", "30 10 * * *"});
  EXPECT_EQ(Wanted(schedules, At(26, 9, 0)), 1);
  EXPECT_EQ(Wanted(schedules, At(26, 10, 0)), 0);
  EXPECT_EQ(Wanted(schedules, At(26, 10, 30)), 1);
  EXPECT_EQ(schedules.NextKnown(At(26, 8, 0)), At(26, 9, 0));
  EXPECT_EQ(schedules.NextKnown(At(26, 9, 0)), At(26, 10, 30));
}

TEST(KnownSchedulesTest, SaysWhenTheNextKnowns) {
  KnownSchedules schedules = Schedules({"0 9 * * *"}, Zone("Europe/Berlin"));
  const Proposal proposal = schedules.Propose({}, kSpec, At(26, 12, 0));
  EXPECT_EQ(proposal.policy, "schedules");
  EXPECT_EQ(proposal.formula,
            "\"0 9 * * *\" fires next 2026-11-27 09:00 (Europe/Berlin), an "
            "instance is there from 5.0s ahead; 0");
}

TEST(KnownSchedulesTest, WithoutAFiringNothingIsWanted) {
  KnownSchedules none = Schedules({});
  EXPECT_EQ(none.Propose({}, kSpec, At(26, 9, 0)).formula, "fires never; 0");
  EXPECT_EQ(none.NextKnown(At(26, 9, 0)), absl::InfiniteFuture());
  KnownSchedules never = Schedules({"0 0 30 2 *"});
  EXPECT_EQ(Wanted(never, At(26, 0, 0)), 0);
  EXPECT_EQ(never.NextKnown(At(26, 0, 0)), absl::InfiniteFuture());
}

// Readings every two seconds: at each firing an instance has been wanted for at
// least a cold start.
TEST(KnownSchedulesTest, IsWarmAtEachFiring) {
  KnownSchedules schedules = Schedules({"*/5 9-10 * * *", "7 * * * *"});
  absl::Time wanted_since = absl::InfiniteFuture();
  absl::Time fires = schedules.NextKnown(At(26, 7, 59));
  int firings = 0;
  for (absl::Time now = At(26, 8, 0) + absl::Seconds(1); now < At(26, 12, 0);
       now += absl::Seconds(2)) {
    while (fires <= now) {
      EXPECT_LE(wanted_since + kSpec.cold_start, fires);
      fires = schedules.NextKnown(fires);
      ++firings;
    }
    if (Wanted(schedules, now) == 0) {
      wanted_since = absl::InfiniteFuture();
    } else {
      wanted_since = std::min(wanted_since, now);
    }
  }
  EXPECT_EQ(firings, 24 + 4);
}

}  // namespace
}  // namespace so
