// What holds for every policy and for the composition, over arguments by
// chance.

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/scaler/policy/compose.h"
#include "services/scaler/policy/concurrency_scaling.h"
#include "services/scaler/policy/history_floor.h"
#include "services/scaler/policy/latency.h"
#include "services/scaler/policy/queue_drain.h"
#include "services/scaler/policy/thresholds.h"

namespace so {
namespace {

using Policies = std::vector<std::unique_ptr<ScalingPolicy>>;

const absl::Time kStart = absl::FromUnixSeconds(1767225600);
constexpr absl::Duration kTick = absl::Seconds(2);

template <typename Policy>
Policies Alone() {
  Policies policies;
  policies.push_back(std::make_unique<Policy>());
  return policies;
}

// Those of the default setting that go by the load.
Policies Default() {
  Policies policies;
  policies.push_back(std::make_unique<ConcurrencyScaling>());
  policies.push_back(std::make_unique<QueueDrain>());
  policies.push_back(std::make_unique<LatencyScaling>());
  return policies;
}

Policies All() {
  Policies policies = Default();
  policies.push_back(std::make_unique<ThresholdScaling>());
  auto history = std::make_unique<HistoryFloor>();
  history->Restore(std::vector<double>(HistoryFloor::kHours, 6));
  policies.push_back(std::move(history));
  return policies;
}

struct Subject {
  std::string name;
  std::function<Policies()> make;
};

// Policies of one function, composed reading by reading.
class Scaler {
 public:
  explicit Scaler(Policies policies) : policies_(std::move(policies)) {}

  const ScalingDecision& Read(const FunctionLoad& load,
                              const FunctionSpec& spec, absl::Time now,
                              const ComposeLimits& limits = {}) {
    std::vector<Proposal> proposals;
    for (const auto& policy : policies_) {
      proposals.push_back(policy->Propose(load, spec, now));
    }
    return Set(
        Compose(std::move(proposals), load, spec, limits, Previous(), now));
  }

  const ScalingDecision& Miss(const FunctionSpec& spec, absl::Time now) {
    return Set(Compose({}, std::nullopt, spec, {}, Previous(), now));
  }

 private:
  const ScalingDecision* Previous() const {
    return known_ ? &decision_ : nullptr;
  }
  const ScalingDecision& Set(ScalingDecision decision) {
    known_ = true;
    decision_ = std::move(decision);
    return decision_;
  }

  Policies policies_;
  bool known_ = false;
  ScalingDecision decision_;
};

class Chance {
 public:
  explicit Chance(uint64_t seed) : random_(seed) {}

  int Pick(int least, int most) {
    return least + static_cast<int>(random_() % (most - least + 1));
  }
  double Share() { return Pick(0, 1000) / 1000.0; }

  FunctionSpec Spec() {
    FunctionSpec spec;
    spec.min_instances = Pick(0, 3);
    spec.max_instances = std::max(1, spec.min_instances + Pick(0, 40));
    spec.instance_concurrency = Pick(1, 4);
    return spec;
  }

  FunctionLoad Load() {
    FunctionLoad load;
    load.function_id = "fn-1";
    load.queue_depth = Pick(0, 2) == 0 ? Pick(0, 60) : 0;
    load.busy = Pick(0, 20);
    load.running = load.busy;
    load.warm = Pick(0, 10);
    load.warming = Pick(0, 3);
    load.average_response = absl::Milliseconds(Pick(1, 4000));
    load.concurrency = 0.001 + 30 * Share();
    load.peak_concurrency = static_cast<int>(load.concurrency) + Pick(1, 10);
    load.calls = Pick(0, 100);
    if (load.calls > 0) load.average_run = absl::Milliseconds(Pick(1, 2000));
    if (Pick(0, 2) == 0) load.error_rate = Share() / 5;
    load.failure_rate = Pick(0, 2) == 0 ? Share() : 0;
    return load;
  }

  // The same with more to do.
  FunctionLoad More(FunctionLoad load) {
    load.queue_depth += Pick(0, 1) * Pick(0, 40);
    load.concurrency += Pick(0, 1) * 30 * Share();
    load.peak_concurrency += Pick(0, 40);
    load.average_response += Pick(0, 1) * absl::Milliseconds(Pick(0, 3000));
    if (load.error_rate.has_value()) {
      load.error_rate = std::min(1.0, *load.error_rate + Pick(0, 1) * Share());
    }
    return load;
  }

 private:
  std::mt19937_64 random_;
};

class PolicyPropertyTest : public testing::TestWithParam<Subject> {};

INSTANTIATE_TEST_SUITE_P(
    Policies, PolicyPropertyTest,
    testing::Values(Subject{"thresholds", Alone<ThresholdScaling>},
                    Subject{"concurrency", Alone<ConcurrencyScaling>},
                    Subject{"drain", Alone<QueueDrain>},
                    Subject{"latency", Alone<LatencyScaling>},
                    Subject{"history", Alone<HistoryFloor>},
                    Subject{"default", Default}, Subject{"all", All}),
    [](const auto& test) { return test.param.name; });

TEST_P(PolicyPropertyTest, BoundsAreNeverBroken) {
  Chance chance(1);
  for (int i = 0; i < 300; ++i) {
    Scaler scaler(GetParam().make());
    absl::Time now = kStart;
    for (int reading = 0; reading < 10; ++reading) {
      // They may change from one to the next.
      const FunctionSpec spec = chance.Spec();
      const ComposeLimits limits = {
          .budget_exhausted = chance.Pick(0, 3) == 0,
          .reading_age = absl::Seconds(chance.Pick(0, 12))};
      const ScalingDecision decision =
          chance.Pick(0, 4) == 0
              ? scaler.Miss(spec, now)
              : scaler.Read(chance.Load(), spec, now, limits);
      ASSERT_GE(decision.desired, spec.min_instances) << Explain(decision);
      ASSERT_LE(decision.desired, spec.max_instances) << Explain(decision);
      now += absl::Milliseconds(chance.Pick(100, 15000));
    }
  }
}

TEST_P(PolicyPropertyTest, ProposalsAreNumbersOfInstancesWithAFormula) {
  Chance chance(2);
  for (int i = 0; i < 300; ++i) {
    Policies policies = GetParam().make();
    absl::Time now = kStart;
    for (int reading = 0; reading < 10; ++reading) {
      const FunctionSpec spec = chance.Spec();
      const FunctionLoad load = chance.Load();
      for (const auto& policy : policies) {
        const Proposal proposal = policy->Propose(load, spec, now);
        ASSERT_EQ(proposal.policy, policy->name());
        ASSERT_GE(proposal.wanted, 0);
        // One that repeats itself has the bound of before.
        if (policy->name() != "thresholds") {
          ASSERT_LE(proposal.wanted, spec.max_instances) << proposal.formula;
        }
        ASSERT_FALSE(proposal.formula.empty());
      }
      now += kTick;
    }
  }
}

TEST_P(PolicyPropertyTest, MoreDemandNeverGivesLess) {
  Chance chance(3);
  for (int i = 0; i < 1000; ++i) {
    Scaler one(GetParam().make());
    Scaler other(GetParam().make());
    const FunctionSpec spec = chance.Spec();
    absl::Time now = kStart;
    for (int reading = chance.Pick(0, 6); reading > 0; --reading) {
      const FunctionLoad load = chance.Load();
      one.Read(load, spec, now);
      other.Read(load, spec, now);
      now += absl::Milliseconds(chance.Pick(100, 6000));
    }
    const FunctionLoad load = chance.Load();
    const ScalingDecision less = one.Read(load, spec, now);
    const ScalingDecision more = other.Read(chance.More(load), spec, now);
    ASSERT_LE(less.desired, more.desired) << Explain(less) << "\n"
                                          << Explain(more);
  }
}

TEST_P(PolicyPropertyTest, EqualReadingsGiveEqualDecisions) {
  Chance chance(4);
  for (int i = 0; i < 100; ++i) {
    Scaler one(GetParam().make());
    Scaler other(GetParam().make());
    for (int reading = 0; reading < 10; ++reading) {
      const FunctionSpec spec = chance.Spec();
      const FunctionLoad load = chance.Load();
      const absl::Time now = kStart + reading * kTick;
      ASSERT_EQ(Explain(one.Read(load, spec, now)),
                Explain(other.Read(load, spec, now)));
    }
  }
}

TEST_P(PolicyPropertyTest, MissingOrOldReadingsNeverGiveLess) {
  Chance chance(5);
  for (int i = 0; i < 200; ++i) {
    Scaler scaler(GetParam().make());
    const FunctionSpec spec = chance.Spec();
    absl::Time now = kStart;
    FunctionLoad load;
    ScalingDecision before;
    for (int reading = 0; reading < 3; ++reading) {
      load = chance.Load();
      before = scaler.Read(load, spec, now);
      now += kTick;
    }
    for (int miss = 0; miss < 50; ++miss) {
      const ScalingDecision decision =
          chance.Pick(0, 1) == 0
              ? scaler.Miss(spec, now)
              : scaler.Read({.function_id = "fn-1", .warm = load.current()},
                            spec, now, {.reading_age = absl::Seconds(11)});
      ASSERT_GE(decision.desired, before.desired) << Explain(decision);
      ASSERT_EQ(decision.action, ScalingAction::kHold);
      if (load.current() > 0) {
        ASSERT_GT(decision.desired, 0);
      }
      now += kTick;
    }
  }
}

TEST_P(PolicyPropertyTest, FailuresOfTheFunctionAddNothing) {
  Chance chance(6);
  for (int i = 0; i < 200; ++i) {
    Scaler one(GetParam().make());
    Scaler other(GetParam().make());
    const FunctionSpec spec = chance.Spec();
    for (int reading = 0; reading < 10; ++reading) {
      FunctionLoad load = chance.Load();
      load.failure_rate = 0;
      const absl::Time now = kStart + reading * kTick;
      const int without = one.Read(load, spec, now).desired;
      load.failure_rate = chance.Share();
      load.failed += load.failure_rate * load.calls;
      ASSERT_EQ(other.Read(load, spec, now).desired, without);
    }
  }
}

// A small fleet: instances follow what is desired, after a while in which they
// warm up; those beyond it go when they have been idle for long enough, as in
// the pool. Calls come evenly, so that a constant number of them runs at once
// when there are enough instances, and a queue grows when not.
class Fleet {
 public:
  struct Options {
    // Calls a second, and how long each runs.
    double rate = 0;
    absl::Duration run = absl::Milliseconds(100);
    absl::Duration idle_timeout = absl::Seconds(60);
    // Those that calls started already.
    int instances = 1;
  };

  Fleet(const Options& options, const FunctionSpec& spec)
      : options_(options), spec_(spec) {
    idle_since_.assign(options.instances, kStart);
  }

  // What is read at `now`.
  FunctionLoad Read(absl::Time now) {
    const int count = static_cast<int>(idle_since_.size());
    const double offered = options_.rate * absl::ToDoubleSeconds(options_.run);
    const double capacity = count * spec_.instance_concurrency;
    backlog_ =
        std::max(0.0, backlog_ + (offered - capacity) *
                                     absl::FDivDuration(kTick, options_.run));
    const double running =
        std::min(offered + (backlog_ > 0 ? capacity : 0), capacity);
    FunctionLoad load = {.function_id = "fn-1"};
    load.queue_depth = static_cast<int>(std::min(backlog_, 500.0));
    load.running = static_cast<int>(running + 0.5);
    load.busy = std::min(
        count,
        static_cast<int>((load.running + spec_.instance_concurrency - 1) /
                         spec_.instance_concurrency));
    load.warm = count - load.busy;
    load.warming = warming_;
    load.concurrency = running + load.queue_depth;
    load.peak_concurrency = static_cast<int>(load.concurrency) + 1;
    load.calls = running * absl::FDivDuration(kTick, options_.run);
    load.average_run = options_.run;
    load.average_response = options_.run + load.queue_depth /
                                               std::max(options_.rate, 0.1) *
                                               absl::Seconds(1);
    load.error_rate = 0;
    // The busy ones are those used last.
    for (int i = 0; i < load.busy; ++i) idle_since_[i] = now;
    return load;
  }

  void Follow(int desired, absl::Time now) {
    idle_since_.insert(idle_since_.end(), std::exchange(warming_, 0), now);
    const int count = static_cast<int>(idle_since_.size());
    warming_ = std::max(0, desired - count);
    while (static_cast<int>(idle_since_.size()) > desired &&
           now - idle_since_.back() >= options_.idle_timeout) {
      idle_since_.pop_back();
    }
    counts_.push_back(static_cast<int>(idle_since_.size()));
  }

  void SetRate(double rate) { options_.rate = rate; }
  int instances() const { return counts_.back(); }

  // Of the number of instances, from the given reading on.
  int DirectionChanges(size_t from = 0) const {
    int changes = 0;
    int direction = 0;
    for (size_t i = from + 1; i < counts_.size(); ++i) {
      const int step = counts_[i] - counts_[i - 1];
      if (step == 0) continue;
      if (direction != 0 && (step > 0) != (direction > 0)) ++changes;
      direction = step;
    }
    return changes;
  }

 private:
  Options options_;
  const FunctionSpec spec_;
  // Of each instance, those used last first.
  std::vector<absl::Time> idle_since_;
  int warming_ = 0;
  double backlog_ = 0;
  std::vector<int> counts_;
};

// One reading after another, as the fleet follows.
absl::Time RunFleet(Fleet& fleet, Scaler& scaler, const FunctionSpec& spec,
                    absl::Time now, int readings) {
  for (int i = 0; i < readings; ++i) {
    const ScalingDecision& decision = scaler.Read(fleet.Read(now), spec, now);
    fleet.Follow(decision.desired, now);
    now += kTick;
  }
  return now;
}

constexpr int kReadings = 1000;
constexpr int kSettled = 300;

// Not the thresholds, whose rule of free instances follows what it has itself
// made: see SawTooth below.
class SteadyPolicyPropertyTest : public PolicyPropertyTest {};

INSTANTIATE_TEST_SUITE_P(
    Policies, SteadyPolicyPropertyTest,
    testing::Values(Subject{"concurrency", Alone<ConcurrencyScaling>},
                    Subject{"drain", Alone<QueueDrain>},
                    Subject{"latency", Alone<LatencyScaling>},
                    Subject{"history", Alone<HistoryFloor>},
                    Subject{"default", Default}),
    [](const auto& test) { return test.param.name; });

TEST_P(SteadyPolicyPropertyTest, ConstantReadingsAreFollowedInOneDirection) {
  // The fleet follows, and what is to do does not become less by it.
  Chance chance(7);
  for (int i = 0; i < 20; ++i) {
    Scaler scaler(GetParam().make());
    const FunctionSpec spec = chance.Spec();
    FunctionLoad load = chance.Load();
    std::vector<int> desired;
    for (int reading = 0; reading < kReadings; ++reading) {
      const int wanted =
          scaler.Read(load, spec, kStart + reading * kTick).desired;
      desired.push_back(wanted);
      load.warming = 0;
      load.warm = std::max(wanted - load.busy, 0);
    }
    int changes = 0;
    int direction = 0;
    for (int k = 1; k < kReadings; ++k) {
      const int step = desired[k] - desired[k - 1];
      if (step == 0) continue;
      if (direction != 0 && (step > 0) != (direction > 0)) {
        ++changes;
        ASSERT_LT(k, kSettled);
      }
      direction = step;
    }
    ASSERT_LE(changes, 1) << i;
  }
}

TEST(DefaultPoliciesPropertyTest, FleetUnderConstantCallsDoesNotOscillate) {
  Chance chance(8);
  for (int i = 0; i < 8; ++i) {
    const FunctionSpec spec = {.max_instances = chance.Pick(5, 60)};
    const Fleet::Options options = {
        .rate = 1 + 400 * chance.Share(),
        .run = absl::Milliseconds(chance.Pick(10, 200)),
        .instances = chance.Pick(0, 5)};
    Fleet fleet(options, spec);
    Scaler scaler(Default());
    RunFleet(fleet, scaler, spec, kStart, kReadings);
    ASSERT_LE(fleet.DirectionChanges(), 1) << i;
    ASSERT_EQ(fleet.DirectionChanges(kSettled), 0) << i;
    // Used to 0.7 in the end.
    const double at_once = options.rate * absl::ToDoubleSeconds(options.run);
    ASSERT_EQ(fleet.instances(),
              std::min(static_cast<int>(std::ceil(at_once / 0.7 - 1e-9)),
                       spec.max_instances))
        << i;
  }
}

// What the thresholds make of constant calls: whatever number of them runs at
// once, they want two more free instances, decided anew once they have become
// too few, and let go of them in between.
TEST(ThresholdsTest, SawToothUnderConstantCallsWhichTheDefaultHasNot) {
  const FunctionSpec spec;
  const Fleet::Options options = {.rate = 40, .instances = 4};

  Fleet by_thresholds(options, spec);
  Scaler thresholds(Alone<ThresholdScaling>());
  RunFleet(by_thresholds, thresholds, spec, kStart, kReadings);
  // Up and down about once a minute and a half.
  EXPECT_GT(by_thresholds.DirectionChanges(kSettled), 20);

  Fleet by_default(options, spec);
  Scaler standard(Default());
  RunFleet(by_default, standard, spec, kStart, kReadings);
  EXPECT_EQ(by_default.DirectionChanges(), 0);
  EXPECT_EQ(by_default.instances(), 6);
}

TEST(ThresholdsTest, RiseIsFollowedAFewAtATimeAndByTheDefaultAtOnce) {
  const FunctionSpec spec = {.max_instances = 40};
  const auto readings_until_enough = [&](Policies policies) {
    Fleet fleet({.rate = 10, .instances = 2}, spec);
    Scaler scaler(std::move(policies));
    absl::Time now = RunFleet(fleet, scaler, spec, kStart, 100);
    fleet.SetRate(200);
    int readings = 0;
    while (fleet.instances() < 20 && readings < 100) {
      now = RunFleet(fleet, scaler, spec, now, 1);
      ++readings;
    }
    return readings;
  };
  EXPECT_GE(readings_until_enough(Alone<ThresholdScaling>()), 12);
  EXPECT_LE(readings_until_enough(Default()), 3);
}

}  // namespace
}  // namespace so
