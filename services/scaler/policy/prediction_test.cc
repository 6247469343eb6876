#include "services/scaler/policy/prediction.h"

#include <algorithm>
#include <map>
#include <random>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/scaler/policy/cost_optimal.h"

namespace so {
namespace {

using testing::TestWithParam;

absl::TimeZone Zone(const std::string& name) {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(name, &zone)) << name;
  return zone;
}

std::vector<double> WeightsOf(const GapHistogram& gaps) {
  std::vector<double> weights;
  for (int i = 0; i < gaps.bins(); ++i) weights.push_back(gaps.weight(i));
  return weights;
}

void Restore(const Prediction& from, absl::Time now, Prediction& to) {
  const FunctionPlanner& planner = from.planner();
  for (int level = 0; level < planner.levels(); ++level) {
    ASSERT_TRUE(to.RestoreGaps(level, WeightsOf(planner.gaps(level)),
                               planner.gaps(level).beyond()));
  }
  ASSERT_TRUE(to.RestoreSeason(from.season().state()));
  ASSERT_TRUE(to.RestoreLastNeeded(from.last_needed(), now));
}

void ExpectEqual(const Proposal& a, const Proposal& b) {
  EXPECT_EQ(a.wanted, b.wanted) << a.formula << "\n" << b.formula;
  EXPECT_EQ(a.idle_timeout, b.idle_timeout) << a.formula << "\n" << b.formula;
}

class PredictionTest : public testing::Test {
 protected:
  // A reading `step` after the one before.
  Proposal Read(int peak, absl::Duration step = absl::Seconds(2)) {
    now_ += step;
    return prediction_.Propose({.peak_concurrency = peak}, spec_, now_);
  }
  // Readings without a call for `time`; the latest proposal.
  Proposal Idle(absl::Duration time, absl::Duration step = absl::Seconds(2)) {
    Proposal proposal;
    for (const absl::Time end = now_ + time; now_ < end;) {
      proposal = Read(0, std::min(step, end - now_));
    }
    return proposal;
  }

  CostOptimal policy_;
  Prediction prediction_{policy_, {}};
  FunctionSpec spec_;
  absl::Time now_ =
      absl::FromCivil(absl::CivilDay(2026, 6, 1), absl::UTCTimeZone());
};

TEST_F(PredictionTest, WantsNothingForAFunctionThatWasNeverCalled) {
  const Proposal proposal = Idle(absl::Minutes(10));
  EXPECT_EQ(proposal.policy, "prediction");
  EXPECT_EQ(proposal.wanted, 0);
  EXPECT_FALSE(proposal.idle_timeout);
  EXPECT_FALSE(prediction_.NextExpected(now_));
}

TEST_F(PredictionTest, WantsWhatIsNeededNow) {
  EXPECT_EQ(Read(3).wanted, 3);
  spec_.instance_concurrency = 2;
  EXPECT_EQ(prediction_
                .Propose({.queue_depth = 4, .running = 7}, spec_,
                         now_ + absl::Seconds(2))
                .wanted,
            6);
  spec_.max_instances = 4;
  EXPECT_EQ(Read(100).wanted, 4);
}

TEST_F(PredictionTest, StartsAheadOfACallThatComesEveryHour) {
  for (int i = 0; i < 12; ++i) {
    Read(1);
    Idle(absl::Minutes(60) - absl::Seconds(2));
  }
  Read(1);
  EXPECT_EQ(Idle(absl::Minutes(30)).wanted, 0);
  const auto expected = prediction_.NextExpected(now_);
  ASSERT_TRUE(expected);
  EXPECT_EQ(expected->by, "gap");
  EXPECT_NEAR(absl::ToDoubleMinutes(expected->at - now_), 29, 2);
  EXPECT_EQ(Idle(absl::Minutes(30) - absl::Seconds(4)).wanted, 1);
  // And goes when it does not come.
  EXPECT_EQ(Idle(absl::Minutes(20)).wanted, 0);
}

TEST_F(PredictionTest, EachPlaceHasItsOwnGaps) {
  // One every five minutes, three every hour.
  for (int i = 0; i < 12 * 12; ++i) {
    Read(i % 12 == 0 ? 3 : 1);
    Idle(absl::Minutes(5) - absl::Seconds(2));
  }
  Read(3);
  const Proposal proposal = Idle(absl::Minutes(4));
  EXPECT_EQ(proposal.wanted, 1) << proposal.formula;
}

TEST_F(PredictionTest, IdleTimeoutIsOfThePlaceGivenUp) {
  Read(2);
  EXPECT_FALSE(Idle(absl::Minutes(1)).idle_timeout);
  for (int i = 0; i < 12 * 4; ++i) {
    Read(i % 12 == 0 ? 2 : 1);
    Idle(absl::Minutes(5) - absl::Seconds(2));
  }
  Read(1);
  const Proposal proposal = Idle(absl::Minutes(2));
  EXPECT_EQ(proposal.wanted, 1);
  ASSERT_TRUE(proposal.idle_timeout) << proposal.formula;
  EXPECT_LE(*proposal.idle_timeout, absl::Minutes(7));
  EXPECT_GE(*proposal.idle_timeout, absl::Seconds(5));
}

TEST_F(PredictionTest, AHoleIsNoGap) {
  for (int i = 0; i < 5; ++i) {
    Read(1);
    Idle(absl::Minutes(10));
    // Nobody watches for an hour.
    Read(1, absl::Hours(1));
  }
  EXPECT_EQ(prediction_.planner().Known(1), 0);
  Read(1);
  Idle(absl::Minutes(10));
  Read(1);
  EXPECT_EQ(prediction_.planner().Known(1), 1);
}

TEST_F(PredictionTest, WhatIsNeededAllTheTimeHasNoGaps) {
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Read(1).wanted, 1);
  EXPECT_EQ(prediction_.planner().Known(1), 0);
}

TEST_F(PredictionTest, ExpectsWhatHabitsSay) {
  Idle(absl::Hours(9), absl::Minutes(1));
  Read(1);
  Idle(absl::Hours(15), absl::Minutes(1));
  const auto expected = prediction_.NextExpected(now_);
  ASSERT_TRUE(expected);
  EXPECT_EQ(expected->by, "season");
  EXPECT_EQ(expected->at, absl::FromCivil(absl::CivilHour(2026, 6, 2, 9),
                                          absl::UTCTimeZone()));
  EXPECT_FALSE(prediction_.NextExpected(now_, absl::Hours(8)));
  EXPECT_EQ(prediction_.Propose({}, spec_, now_).wanted, 0);
}

TEST_F(PredictionTest, AHabitOutlivesRestarts) {
  Idle(absl::Hours(9), absl::Minutes(1));
  Read(1);
  Idle(absl::Hours(15), absl::Minutes(1));
  Prediction restarted(policy_, {});
  Restore(prediction_, now_, restarted);
  const absl::Time nine =
      absl::FromCivil(absl::CivilHour(2026, 6, 2, 9), absl::UTCTimeZone());
  for (now_ += absl::Minutes(7); now_ < nine - absl::Minutes(4);
       now_ += absl::Minutes(1)) {
    ASSERT_EQ(restarted.Propose({}, spec_, now_).wanted, 0) << now_;
  }
  for (now_ = nine - absl::Minutes(1); now_ < nine; now_ += absl::Minutes(1)) {
    EXPECT_EQ(restarted.Propose({}, spec_, now_).wanted, 1) << now_;
  }
}

TEST_F(PredictionTest, RefusesTimesThatCannotBe) {
  const absl::Duration second = absl::Seconds(1);
  EXPECT_FALSE(prediction_.RestoreLastNeeded({now_ + second}, now_));
  EXPECT_FALSE(prediction_.RestoreLastNeeded({now_ - second, now_}, now_));
  EXPECT_FALSE(prediction_.RestoreLastNeeded({absl::InfinitePast()}, now_));
  EXPECT_FALSE(prediction_.RestoreLastNeeded({absl::InfiniteFuture()}, now_));
  EXPECT_FALSE(
      prediction_.RestoreLastNeeded(std::vector<absl::Time>(1001, now_), now_));
  EXPECT_TRUE(prediction_.last_needed().empty());
  EXPECT_TRUE(prediction_.RestoreLastNeeded({now_, now_, now_ - second}, now_));
}

// ---- properties

class PredictionPropertyTest : public TestWithParam<int> {
 protected:
  int Pick(int a, int b) {
    return std::uniform_int_distribution<int>(a, b)(random_);
  }
  FunctionLoad RandomLoad() {
    FunctionLoad load;
    if (Pick(0, 9) == 0) load.peak_concurrency = Pick(0, 40);
    if (Pick(0, 9) == 0) load.running = Pick(0, 10);
    if (Pick(0, 19) == 0) load.queue_depth = Pick(0, 30);
    return load;
  }
  FunctionSpec RandomSpec() {
    FunctionSpec spec;
    spec.max_instances = Pick(1, 20);
    spec.instance_concurrency = Pick(1, 3);
    spec.memory_gb = Pick(1, 16) * 0.125;
    spec.cold_start = absl::Milliseconds(Pick(1, 2000));
    return spec;
  }

  std::mt19937 random_{static_cast<unsigned>(GetParam())};
  CostOptimal policy_;
};

// Clocks that stand still, jump, or go back; what is wanted stays in bounds and
// what is needed is always wanted. Two that see the same say the same.
TEST_P(PredictionPropertyTest, BoundsAndDeterminismWhateverComes) {
  Prediction a(policy_, {});
  Prediction b(policy_, {});
  absl::Time now = absl::FromUnixSeconds(1780000000);
  for (int i = 0; i < 1200; ++i) {
    const int dice = Pick(0, 199);
    if (dice == 0) now -= absl::Hours(Pick(0, 50));
    if (dice == 1) now += absl::Hours(Pick(0, 50));
    if (dice == 2) now -= absl::Seconds(Pick(0, 100));
    if (dice > 10) now += absl::Seconds(Pick(1, 60));
    const FunctionLoad load = RandomLoad();
    const FunctionSpec spec = RandomSpec();
    const Proposal proposal = a.Propose(load, spec, now);
    ASSERT_GE(proposal.wanted, 0);
    ASSERT_LE(proposal.wanted, spec.max_instances);
    const int present = load.queue_depth + load.running;
    ASSERT_GE(proposal.wanted,
              std::min((present + spec.instance_concurrency - 1) /
                           spec.instance_concurrency,
                       spec.max_instances))
        << proposal.formula;
    if (proposal.idle_timeout) {
      ASSERT_GT(*proposal.idle_timeout, absl::ZeroDuration());
    }
    const Proposal same = b.Propose(load, spec, now);
    ASSERT_EQ(same.formula, proposal.formula);
    ExpectEqual(same, proposal);
    if (const auto expected = a.NextExpected(now)) {
      ASSERT_GE(expected->at, now);
    }
  }
}

TEST_P(PredictionPropertyTest, RestoredDecidesAlike) {
  Prediction prediction(policy_, {});
  absl::Time now = absl::FromUnixSeconds(1780000000 / 300 * 300);
  const FunctionSpec spec = RandomSpec();
  for (int i = 0; i < 3000; ++i) {
    now += absl::Seconds(30);
    prediction.Propose(RandomLoad(), spec, now);
  }
  Prediction restored(policy_, {});
  Restore(prediction, now, restored);
  // Readings as far apart as they were, so that both know how far that is; and
  // nothing needed while the one that was restored has seen no whole gap.
  const auto both = [&](const FunctionLoad& load) {
    now += absl::Seconds(60);
    const Proposal a = prediction.Propose(load, spec, now);
    return std::make_pair(a, restored.Propose(load, spec, now));
  };
  both({});
  both({});
  for (int i = 0; i < 100; ++i) {
    const auto [a, b] = both({});
    ExpectEqual(a, b);
    const auto x = prediction.NextExpected(now);
    const auto y = restored.NextExpected(now);
    ASSERT_EQ(x.has_value(), y.has_value());
    if (x) {
      EXPECT_EQ(x->at, y->at);
      EXPECT_EQ(x->by, y->by);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PredictionPropertyTest, testing::Range(1, 5));

// ---- nine o'clock

// Instances that start and stop as a policy wants, calls that take a second,
// and a clock that goes from reading to reading.
class VirtualPlatform {
 public:
  struct Day {
    int calls = 0;
    int cold = 0;
    absl::Duration idle;
    // Between 9:30 and 8:30, and between 18:00 and 8:30.
    absl::Duration idle_elsewhen;
    absl::Duration idle_at_night;
  };

  VirtualPlatform(ScalingPolicy& policy, const FunctionSpec& spec,
                  absl::TimeZone zone, absl::Time start)
      : policy_(policy), zone_(zone), spec_(spec), now_(start) {}

  // Nothing is called from the reading before to this one.
  void Pass(absl::Time now) { Step(now, absl::InfiniteFuture()); }
  // One call at `call`, which is after the reading before, and not after `now`.
  void Call(absl::Time call, absl::Time now) { Step(now, call); }

  const std::map<absl::CivilDay, Day>& days() const { return days_; }
  absl::Time now() const { return now_; }

 private:
  static constexpr absl::Duration kPoolTimeout = absl::Seconds(60);

  struct Instance {
    absl::Time ready;
    absl::Time idle_since;
  };

  void Step(absl::Time now, absl::Time call) {
    FunctionLoad load;
    if (call <= now) {
      Advance(call);
      Serve(call);
      load.peak_concurrency = 1;
      load.running = call + absl::Seconds(1) > now ? 1 : 0;
    }
    Advance(now);
    const Proposal proposal = policy_.Propose(load, spec_, now);
    wanted_ = proposal.wanted;
    timeout_ = proposal.idle_timeout.value_or(kPoolTimeout);
    while (static_cast<int>(instances_.size()) < wanted_) {
      instances_.push_back({now + spec_.cold_start, now + spec_.cold_start});
    }
  }

  void Serve(absl::Time call) {
    Day& day = days_[absl::ToCivilDay(call, zone_)];
    ++day.calls;
    if (instances_.empty() || instances_[0].ready > call) ++day.cold;
    if (instances_.empty()) instances_.push_back({call + spec_.cold_start});
    instances_[0].idle_since = call + absl::Seconds(1);
  }

  // Adds up idle time, and ends what is not wanted and idle for long enough.
  void Advance(absl::Time to) {
    while (static_cast<int>(instances_.size()) > wanted_ &&
           instances_.back().idle_since + timeout_ <= to) {
      Account(now_, std::max(now_, instances_.back().idle_since + timeout_));
      instances_.pop_back();
    }
    for (size_t i = 0; i < instances_.size(); ++i) Account(now_, to);
    now_ = to;
  }

  void Account(absl::Time from, absl::Time to) {
    const absl::CivilMinute local = absl::ToCivilMinute(from, zone_);
    const int minute = local.hour() * 60 + local.minute();
    Day& day = days_[absl::CivilDay(local)];
    day.idle += to - from;
    if (minute < 8 * 60 + 30 || minute >= 9 * 60 + 30) {
      day.idle_elsewhen += to - from;
    }
    if (minute < 8 * 60 + 30 || minute >= 18 * 60) {
      day.idle_at_night += to - from;
    }
  }

  ScalingPolicy& policy_;
  const absl::TimeZone zone_;
  const FunctionSpec spec_;
  absl::Time now_;
  int wanted_ = 0;
  absl::Duration timeout_ = kPoolTimeout;
  std::vector<Instance> instances_;
  std::map<absl::CivilDay, Day> days_;
};

struct NineOClock {
  std::string zone;
  // A working day, and how many days from then on.
  absl::CivilDay first;
  int days = 0;
  // Readings are so far apart, by chance in between.
  int least_seconds = 0;
  int most_seconds = 0;
  absl::Duration cold_start = absl::Milliseconds(6);
};

class NineOClockTest : public TestWithParam<NineOClock> {};

// The first working day is cold. From the second one on, the function is warm,
// weekends and changes of the clocks notwithstanding.
TEST_P(NineOClockTest, IsWarmFromTheSecondWorkingDayOn) {
  const NineOClock& param = GetParam();
  const absl::TimeZone zone = Zone(param.zone);
  const CostOptimal policy;
  Prediction prediction(policy, {.zone = zone});
  const absl::Time start = absl::FromCivil(param.first, zone);
  VirtualPlatform platform(prediction, {.cold_start = param.cold_start}, zone,
                           start);
  std::mt19937 random(17);
  const auto pick = [&](int a, int b) {
    return std::uniform_int_distribution<int>(a, b)(random);
  };

  absl::Time now = start;
  for (absl::CivilDay day = param.first; day < param.first + param.days;
       ++day) {
    const bool works = static_cast<int>(absl::GetWeekday(day)) < 5;
    // At nine, or up to four minutes later.
    const absl::Time call =
        absl::FromCivil(
            absl::CivilMinute(day.year(), day.month(), day.day(), 9, 0), zone) +
        absl::Seconds(pick(0, 1) * pick(0, 240));
    const absl::Time end = absl::FromCivil(day + 1, zone);
    while (now < end) {
      const absl::Time next =
          now + absl::Seconds(pick(param.least_seconds, param.most_seconds));
      if (works && call > now && call <= next) {
        platform.Call(call, next);
      } else {
        platform.Pass(next);
      }
      now = next;
    }
  }

  absl::Duration idle;
  for (const auto& [day, seen] : platform.days()) {
    if (day >= param.first + param.days) continue;
    const bool works = static_cast<int>(absl::GetWeekday(day)) < 5;
    EXPECT_EQ(seen.calls, works ? 1 : 0) << day;
    EXPECT_EQ(seen.cold, day == param.first ? 1 : 0) << day;
    EXPECT_EQ(seen.idle_at_night, absl::ZeroDuration()) << day;
    idle += seen.idle;
    if (param.cold_start > absl::Milliseconds(6)) {
      // At first it is kept for the four hours that gaps are known of.
      EXPECT_LE(seen.idle, absl::Minutes(250)) << day;
      continue;
    }
    // The slot, what comes ahead of it, and the time that one is kept after.
    EXPECT_EQ(seen.idle_elsewhen, absl::ZeroDuration()) << day;
    EXPECT_LE(seen.idle, absl::Minutes(16)) << day;
  }
  // 0.3 % of the time, and 7 % where cold starts take 400 ms.
  EXPECT_LE(idle / param.days, param.cold_start > absl::Milliseconds(6)
                                   ? absl::Minutes(100)
                                   : absl::Minutes(5));
  RecordProperty("idle_minutes_a_day",
                 absl::StrCat(absl::ToDoubleMinutes(idle / param.days)));
}

INSTANTIATE_TEST_SUITE_P(
    Clocks, NineOClockTest,
    testing::Values(
        // Berlin changes on 29 March and 25 October, New York on 8 March and 1
        // November.
        NineOClock{"Europe/Berlin", absl::CivilDay(2026, 3, 16), 21, 2, 60},
        NineOClock{"Europe/Berlin", absl::CivilDay(2026, 10, 12), 21, 2, 60},
        NineOClock{"Europe/Berlin", absl::CivilDay(2026, 10, 12), 28, 60, 60},
        NineOClock{"Europe/Berlin", absl::CivilDay(2026, 3, 27), 4, 2, 2},
        NineOClock{"America/New_York", absl::CivilDay(2026, 2, 23), 21, 2, 60},
        NineOClock{"America/New_York", absl::CivilDay(2026, 10, 19), 21, 2, 60},
        NineOClock{"America/New_York", absl::CivilDay(2026, 2, 23), 28, 60, 60},
        NineOClock{"Europe/Berlin", absl::CivilDay(2026, 3, 16), 21, 2, 60,
                   absl::Milliseconds(400)}));

}  // namespace
}  // namespace so
