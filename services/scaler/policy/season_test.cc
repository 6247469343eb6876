#include "services/scaler/policy/season.h"

#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "gtest/gtest.h"

namespace so {
namespace {

absl::TimeZone Zone(const std::string& name) {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(name, &zone)) << name;
  return zone;
}

const absl::TimeZone kUtc = absl::UTCTimeZone();

// 2026-06-01 is a Monday.
absl::Time Day(int day, int hour = 0, int minute = 0,
               absl::TimeZone zone = kUtc) {
  return absl::FromCivil(absl::CivilMinute(2026, 6, day, hour, minute), zone);
}

// Readings from `from` to `until`; the function is called at the times `calls`.
void Watch(Season& season, absl::Time from, absl::Time until,
           const std::set<absl::Time>& calls,
           absl::Duration step = absl::Minutes(1)) {
  absl::Time before = absl::InfinitePast();
  for (absl::Time now = from; now <= until; now += step) {
    const auto call = calls.upper_bound(before);
    season.Observe(call != calls.end() && *call <= now, now);
    before = now;
  }
}

std::set<absl::Time> NineOn(const std::vector<int>& days,
                            absl::TimeZone zone = kUtc) {
  std::set<absl::Time> calls;
  for (const int day : days) calls.insert(Day(day, 9, 0, zone));
  return calls;
}

TEST(SeasonTest, KnowsNothingAtFirst) {
  const Season season;
  EXPECT_EQ(season.Probability(Day(1)), 0);
  EXPECT_FALSE(season.NextExpected({}, Day(1), absl::Hours(200)));
  EXPECT_EQ(season.watched(), absl::ZeroDuration());
}

TEST(SeasonTest, WhatHappensOnWorkingDaysIsExpectedOnTheNext) {
  Season season;
  Watch(season, Day(1), Day(2), NineOn({1}));
  const auto slot = season.NextExpected({}, Day(2), absl::Hours(24));
  ASSERT_TRUE(slot);
  EXPECT_EQ(slot->begin, Day(2, 9));
  EXPECT_EQ(slot->end, Day(2, 9, 5));
  EXPECT_NEAR(slot->probability, 1.0 / 3, 0.01);
  // Not on the weekend, and not at other times.
  EXPECT_EQ(season.Probability(Day(6, 9)), 0);
  EXPECT_EQ(season.Probability(Day(2, 8, 59)), 0);
  EXPECT_EQ(season.Probability(Day(2, 9, 5)), 0);
}

TEST(SeasonTest, WeekendsAreDaysOfTheirOwn) {
  Season season;
  Watch(season, Day(1), Day(15), NineOn({6, 7, 13, 14}));
  EXPECT_GT(season.Probability(Day(20, 9)), 0.6);
  EXPECT_LT(season.Probability(Day(15, 9)), 0.01);
}

TEST(SeasonTest, MondaysAreToldFromOtherDays) {
  Season season;
  Watch(season, Day(1), Day(29), NineOn({1, 8, 15, 22}));
  EXPECT_GT(season.Probability(Day(29, 9)), 0.6);
  EXPECT_LT(season.Probability(Day(30, 9)), 0.1);
  const auto slot = season.NextExpected({}, Day(29, 12), absl::Hours(7 * 24));
  ASSERT_TRUE(slot);
  EXPECT_EQ(slot->begin, Day(29 + 7, 9));
}

TEST(SeasonTest, ForgetsWhatIsOver) {
  Season season;
  Watch(season, Day(1), Day(6), NineOn({1, 2, 3, 4, 5}));
  const double before = season.Probability(Day(8, 9));
  Watch(season, Day(8), Day(27), {});
  EXPECT_GT(before, 0.5);
  EXPECT_LT(season.Probability(Day(29, 9)), before / 3);
}

TEST(SeasonTest, HolesAreNotSeen) {
  Season season;
  Watch(season, Day(1), Day(2), NineOn({1}));
  const double before = season.Probability(Day(2, 9));
  const Season::State state = season.state();
  // Nobody watches at nine on Tuesday.
  Watch(season, Day(2), Day(2, 8, 58), {});
  Watch(season, Day(2, 9, 3), Day(3), {});
  EXPECT_NEAR(season.Probability(Day(3, 9)), before, 0.01);
  const int nine_on_tuesday = Season::kSlotsOfDay + 9 * 12;
  EXPECT_EQ(season.state().seen[nine_on_tuesday], state.seen[nine_on_tuesday]);
  // A call that was seen is one, however little else was.
  Season other;
  Watch(other, Day(1, 9), Day(1, 9, 1), {Day(1, 9, 1)});
  Watch(other, Day(1, 12), Day(1, 12, 1), {});
  EXPECT_EQ(other.state().called[9 * 12], 1);
}

TEST(SeasonTest, SlowReadingsCoverASlot) {
  Season season;
  Watch(season, Day(1) - absl::Seconds(40), Day(2) + absl::Minutes(1), {},
        absl::Seconds(60));
  for (int i = 0; i < Season::kSlotsOfDay; ++i) {
    EXPECT_EQ(season.state().seen[i], 1) << i;
  }
}

TEST(SeasonTest, CalledOnceASlotIsNotExpectedAgain) {
  Season season;
  Watch(season, Day(1), Day(2, 8, 59), NineOn({1}));
  EXPECT_TRUE(season.NextExpected({}, Day(2, 8, 59), absl::Minutes(1)));
  season.Observe(false, Day(2, 9, 0));
  EXPECT_TRUE(season.NextExpected({}, Day(2, 9, 0), absl::Minutes(1)));
  season.Observe(true, Day(2, 9, 1));
  EXPECT_FALSE(season.NextExpected({}, Day(2, 9, 1), absl::Minutes(1)));
}

TEST(SeasonTest, MemoryAndColdStartDecide) {
  Season season;
  Watch(season, Day(1), Day(2), NineOn({1}));
  const auto pays = [&](double gb, absl::Duration cold_start) {
    return season
        .NextExpected({.memory_gb = gb, .cold_start = cold_start}, Day(2),
                      absl::Hours(24))
        .has_value();
  };
  EXPECT_TRUE(pays(0.125, absl::Milliseconds(6)));
  EXPECT_FALSE(pays(2, absl::Milliseconds(6)));
  EXPECT_TRUE(pays(2, absl::Milliseconds(400)));
  EXPECT_FALSE(pays(0.125, absl::Milliseconds(1)));
}

TEST(SeasonTest, AnHourThatIsRepeatedCountsOnce) {
  const absl::TimeZone berlin = Zone("Europe/Berlin");
  Season season({.zone = berlin});
  const absl::Time midnight =
      absl::FromCivil(absl::CivilDay(2026, 10, 25), berlin);
  Watch(season, midnight, midnight + absl::Hours(6), {});
  const Season::State state = season.state();
  const int sunday = 6 * Season::kSlotsOfDay;
  for (int i = 0; i < 5 * 12; ++i) EXPECT_EQ(state.seen[sunday + i], 1) << i;
  EXPECT_EQ(state.seen[sunday + 5 * 12], 0);
}

TEST(SeasonTest, AnHourThatIsLeftOutIsNotSeen) {
  const absl::TimeZone berlin = Zone("Europe/Berlin");
  Season season({.zone = berlin});
  const absl::Time midnight =
      absl::FromCivil(absl::CivilDay(2026, 3, 29), berlin);
  Watch(season, midnight, midnight + absl::Hours(5), {});
  const Season::State state = season.state();
  const int sunday = 6 * Season::kSlotsOfDay;
  for (int i = 0; i < 6 * 12; ++i) {
    const bool skipped = i / 12 == 2;
    EXPECT_EQ(state.seen[sunday + i], skipped ? 0 : 1) << i;
  }
}

TEST(SeasonTest, RestoredDecidesAlike) {
  Season season;
  Watch(season, Day(1), Day(9, 8, 30), NineOn({1, 2, 3, 4, 5, 8}));
  Season other;
  ASSERT_TRUE(other.Restore(season.state()));
  EXPECT_NEAR(absl::ToDoubleSeconds(other.watched() - season.watched()), 0,
              1e-3);
  for (absl::Time t = Day(9); t < Day(16); t += absl::Minutes(5)) {
    EXPECT_NEAR(season.Probability(t), other.Probability(t), 1e-9);
  }
  const auto slot = other.NextExpected({}, Day(9, 8, 30), absl::Hours(24));
  ASSERT_TRUE(slot);
  EXPECT_EQ(slot->begin, Day(9, 9));
  // It goes on counting.
  Watch(other, Day(9, 8, 30), Day(10), NineOn({9}));
  EXPECT_GT(other.state().seen[Season::kSlotsOfDay + 9 * 12],
            season.state().seen[Season::kSlotsOfDay + 9 * 12]);
}

TEST(SeasonTest, RestoreRefusesWhatCannotBe) {
  Season season;
  const Season::State good = season.state();
  const auto refused = [&](auto change) {
    Season::State state = good;
    change(state);
    return !season.Restore(state);
  };
  EXPECT_TRUE(refused([](auto& s) { s.called.pop_back(); }));
  EXPECT_TRUE(refused([](auto& s) { s.seen.push_back(0); }));
  EXPECT_TRUE(refused([](auto& s) { s.seen[3] = -1; }));
  EXPECT_TRUE(refused([](auto& s) { s.seen[3] = 11; }));
  EXPECT_TRUE(refused([](auto& s) { s.seen[3] = NAN; }));
  EXPECT_TRUE(refused([](auto& s) { s.called[3] = INFINITY; }));
  EXPECT_TRUE(refused([](auto& s) { s.called[3] = 1; }));
  EXPECT_FALSE(refused([](auto& s) { s.last_slot = 1; }));
}

TEST(SeasonTest, ALastSlotOfAWrongClockDoesNotStopIt) {
  Season season;
  for (const int64_t last : {std::numeric_limits<int64_t>::max(),
                             std::numeric_limits<int64_t>::min()}) {
    Season::State state = Season().state();
    state.last_slot = last;
    ASSERT_TRUE(season.Restore(state));
    Watch(season, Day(1), Day(1, 1), {});
    EXPECT_GT(season.watched(), absl::Minutes(50));
  }
}

// Whatever comes, probabilities are ones and the state can be restored.
TEST(SeasonTest, StaysInBoundsWhateverComes) {
  std::mt19937 random(5);
  const absl::TimeZone zone = Zone("America/New_York");
  for (int round = 0; round < 20; ++round) {
    Season season({.zone = zone});
    absl::Time now = Day(1);
    for (int i = 0; i < 3000; ++i) {
      const int dice = std::uniform_int_distribution<int>(0, 99)(random);
      const absl::Duration step =
          absl::Seconds(std::uniform_int_distribution<int>(0, 120)(random));
      if (dice == 0) now -= absl::Hours(1) + step;
      if (dice == 1) now += absl::Hours(30) + step;
      if (dice == 2) now -= step;
      if (dice > 4) now += step;
      season.Observe(dice % 7 == 0, now);
      const double p = season.Probability(now);
      ASSERT_TRUE(p >= 0 && p <= 1) << p;
    }
    Season other({.zone = zone});
    ASSERT_TRUE(other.Restore(season.state()));
  }
}

}  // namespace
}  // namespace so
