#include "services/scaler/policy/concurrency_target.h"

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

const absl::Time kStart = absl::FromUnixSeconds(1767225600);
constexpr absl::Duration kTick = absl::Seconds(2);

// A function whose instances follow the decisions at once, and whose
// concurrency is measured every two seconds.
class Simulation {
 public:
  explicit Simulation(const ConcurrencyTarget::Options& options, int ready = 0)
      : policy_(options), ready_(ready) {}

  const TargetDecision& Step(double concurrency) {
    if (samples_.size() == kRemembered) samples_.erase(samples_.begin());
    samples_.push_back({now_, concurrency});
    return StepBlind();
  }

  // Without a new sample.
  const TargetDecision& StepBlind() {
    decision_ = policy_.Desired(samples_, ready_, decision_.state, now_);
    now_ += kTick;
    ready_ = decision_.desired;
    desired_.push_back(decision_.desired);
    return decision_;
  }

  const TargetDecision& Run(double concurrency, absl::Duration time) {
    for (absl::Duration t; t < time; t += kTick) Step(concurrency);
    return decision_;
  }

  void Restart() { decision_ = TargetDecision(), samples_.clear(); }
  void Pause(absl::Duration time) { now_ += time; }

  int DirectionChanges() const {
    int changes = 0;
    int direction = 0;
    for (size_t i = 1; i < desired_.size(); ++i) {
      const int step = desired_[i] - desired_[i - 1];
      if (step == 0) continue;
      if (direction != 0 && (step > 0) != (direction > 0)) ++changes;
      direction = step;
    }
    return changes;
  }

 private:
  ConcurrencyTarget policy_;
  absl::Time now_ = kStart;
  int ready_;
  // More than a window of them.
  static constexpr size_t kRemembered = 40;
  std::vector<ConcurrencySample> samples_;
  std::vector<int> desired_{ready_};
  TargetDecision decision_;
};

TEST(ConcurrencyTargetTest, WantsInstancesUsedToTheTarget) {
  Simulation simulation({.max_instances = 100});
  EXPECT_EQ(simulation.Run(7, absl::Minutes(5)).desired, 10);
  EXPECT_EQ(simulation.Run(7.1, absl::Minutes(5)).desired, 11);
}

TEST(ConcurrencyTargetTest, InstancesOfManyCallsAreFewer) {
  Simulation simulation({.instance_concurrency = 10, .max_instances = 100});
  EXPECT_EQ(simulation.Run(70, absl::Minutes(5)).desired, 10);
}

TEST(ConcurrencyTargetTest, BurstIsSeenByTheShortWindow) {
  Simulation simulation({.max_instances = 100});
  simulation.Run(1.4, absl::Minutes(5));
  simulation.Step(14);
  simulation.Step(14);
  const TargetDecision& decision = simulation.Step(14);
  EXPECT_TRUE(decision.panicking);
  EXPECT_EQ(decision.stable_wanted, 4);
  EXPECT_EQ(decision.desired, 20);
}

TEST(ConcurrencyTargetTest, NothingShrinksInPanic) {
  Simulation simulation(
      {.scale_down_delay = absl::ZeroDuration(), .max_instances = 100});
  simulation.Run(1.4, absl::Minutes(5));
  const int peak = simulation.Run(14, absl::Seconds(6)).desired;
  for (int i = 0; i < 25; ++i) {
    const TargetDecision& decision = simulation.Step(0.7);
    ASSERT_TRUE(decision.panicking);
    EXPECT_EQ(decision.desired, peak);
  }
  EXPECT_LT(simulation.Run(0.7, absl::Minutes(3)).desired, peak);
}

TEST(ConcurrencyTargetTest, RestartDoesNotCollapse) {
  Simulation simulation({.max_instances = 100}, 30);
  simulation.Restart();
  for (int i = 0; i < 30; ++i) {
    const TargetDecision& decision = simulation.Step(0.7);
    EXPECT_EQ(decision.desired, 30) << i;
    EXPECT_THAT(decision.clamps, Contains(TargetClamp::kHistoryIncomplete));
  }
  EXPECT_EQ(simulation.Run(0.7, absl::Minutes(5)).desired, 1);
}

TEST(ConcurrencyTargetTest, HoleInTheSamplesIsLikeARestart) {
  Simulation simulation(
      {.scale_down_delay = absl::ZeroDuration(), .max_instances = 100});
  simulation.Run(14, absl::Minutes(5));
  simulation.Pause(absl::Seconds(40));
  EXPECT_EQ(simulation.Run(0, absl::Seconds(40)).desired, 20);
}

TEST(ConcurrencyTargetTest, ShrinksAfterTheDelayAndAtMostByHalf) {
  Simulation simulation(
      {.scale_down_delay = absl::Seconds(30), .max_instances = 100});
  simulation.Run(28, absl::Minutes(5));
  // The long window still holds the old calls.
  EXPECT_EQ(simulation.Run(0, absl::Seconds(20)).desired, 40);
  int before = 40;
  for (int i = 0; i < 60; ++i) {
    const int desired = simulation.Step(0).desired;
    EXPECT_GE(desired, before / 2);
    before = desired;
  }
}

TEST(ConcurrencyTargetTest, LastInstanceGoesAfterTheGrace) {
  Simulation simulation({.scale_down_delay = absl::ZeroDuration(),
                         .scale_to_zero_grace = absl::Seconds(30)});
  simulation.Run(0.5, absl::Minutes(3));
  // Empty after 60 s, gone 30 s later.
  const TargetDecision& waiting = simulation.Run(0, absl::Seconds(88));
  EXPECT_EQ(waiting.desired, 1);
  EXPECT_THAT(waiting.clamps, Contains(TargetClamp::kZeroGrace));
  EXPECT_EQ(simulation.Run(0, absl::Seconds(8)).desired, 0);
}

TEST(ConcurrencyTargetTest, UnusedFunctionStaysAtZero) {
  Simulation simulation({});
  EXPECT_EQ(simulation.Run(0, absl::Minutes(2)).desired, 0);
  EXPECT_EQ(simulation.DirectionChanges(), 0);
}

TEST(ConcurrencyTargetTest, OldSamplesChangeNothing) {
  Simulation simulation({.max_instances = 100});
  simulation.Run(7, absl::Minutes(3));
  for (int i = 0; i < 200; ++i) EXPECT_EQ(simulation.StepBlind().desired, 10);
  EXPECT_THAT(simulation.StepBlind().clamps, Contains(TargetClamp::kStale));
}

TEST(ConcurrencyTargetTest, NonsenseIsNoSample) {
  Simulation simulation({}, 3);
  EXPECT_THAT(simulation.Step(-1).clamps, Contains(TargetClamp::kStale));
  EXPECT_THAT(simulation.Step(std::numeric_limits<double>::quiet_NaN()).clamps,
              Contains(TargetClamp::kStale));
  EXPECT_EQ(simulation.Step(std::numeric_limits<double>::infinity()).desired,
            3);
}

TEST(ConcurrencyTargetTest, FloorIsKept) {
  Simulation simulation({.min_instances = 2, .max_instances = 5});
  EXPECT_EQ(simulation.Run(0, absl::Minutes(5)).desired, 2);
  const TargetDecision& decision = simulation.Run(50, absl::Minutes(5));
  EXPECT_EQ(decision.desired, 5);
  EXPECT_THAT(decision.clamps, Contains(TargetClamp::kMaxInstances));
}

TEST(ConcurrencyTargetTest, ExplainsItself) {
  Simulation simulation({.max_instances = 5});
  const std::string text = Explain(simulation.Run(7, absl::Minutes(3)));
  EXPECT_THAT(text, HasSubstr("ceil(7.00 / 0.70) = 10"));
  EXPECT_THAT(text, HasSubstr("max-instances; 5"));
  EXPECT_THAT(text, Not(HasSubstr("stale")));
}

// Properties, over arguments by chance.

struct RandomCase {
  ConcurrencyTarget::Options options;
  std::vector<ConcurrencySample> samples;
  TargetState state;
  int ready = 0;
  absl::Time now = kStart;
};

class RandomCases {
 public:
  RandomCase Next() {
    RandomCase c;
    c.options.min_instances = Pick(0, 3);
    c.options.max_instances = c.options.min_instances + Pick(1, 50);
    c.options.instance_concurrency = Pick(1, 4);
    c.options.scale_down_delay = absl::Seconds(Pick(0, 60));
    c.options.max_scale_up_rate = Pick(2, 10);
    c.ready = Pick(0, 60);
    c.state = State(c.now);
    for (int age = Pick(0, 80); age >= Pick(0, 12); age -= Pick(1, 5)) {
      c.samples.push_back({c.now - absl::Seconds(age), Pick(0, 600) / 10.0});
    }
    return c;
  }

  double Share() { return Pick(0, 1000) / 1000.0; }
  int Pick(int least, int most) {
    return least + static_cast<int>(random_() % (most - least + 1));
  }

 private:
  TargetState State(absl::Time now) {
    TargetState state;
    if (Pick(0, 3) > 0) {
      state.history_since = now - absl::Seconds(Pick(1, 200));
    }
    if (Pick(0, 2) == 0) state.panic_until = now + absl::Seconds(Pick(-9, 60));
    if (Pick(0, 2) == 0) {
      state.unwanted_since = now - absl::Seconds(Pick(1, 60));
    }
    state.desired = Pick(0, 40);
    int wanted = Pick(20, 60);
    for (int age = Pick(0, 50); age > 0 && wanted > 0; age -= Pick(1, 20)) {
      state.recent.push_back({now - absl::Seconds(age), wanted});
      wanted -= Pick(1, 20);
    }
    return state;
  }

  std::mt19937_64 random_{42};
};

TEST(ConcurrencyTargetPropertyTest, BoundsAreNeverBroken) {
  RandomCases cases;
  for (int i = 0; i < 5000; ++i) {
    const RandomCase c = cases.Next();
    const int desired = ConcurrencyTarget(c.options)
                            .Desired(c.samples, c.ready, c.state, c.now)
                            .desired;
    ASSERT_GE(desired, c.options.min_instances);
    ASSERT_LE(desired, c.options.max_instances);
  }
}

TEST(ConcurrencyTargetPropertyTest, MoreDemandNeverGivesLess) {
  RandomCases cases;
  for (int i = 0; i < 5000; ++i) {
    const RandomCase c = cases.Next();
    std::vector<ConcurrencySample> more = c.samples;
    for (ConcurrencySample& sample : more) {
      if (cases.Share() < 0.7) sample.concurrency += 40 * cases.Share();
    }
    const ConcurrencyTarget policy(c.options);
    const TargetDecision less =
        policy.Desired(c.samples, c.ready, c.state, c.now);
    ASSERT_LE(less.desired,
              policy.Desired(more, c.ready, c.state, c.now).desired)
        << i << ": " << Explain(less);
  }
}

TEST(ConcurrencyTargetPropertyTest, PanicNeverShrinks) {
  RandomCases cases;
  int seen = 0;
  for (int i = 0; i < 5000; ++i) {
    const RandomCase c = cases.Next();
    const TargetDecision decision = ConcurrencyTarget(c.options).Desired(
        c.samples, c.ready, c.state, c.now);
    if (!decision.panicking) continue;
    ++seen;
    ASSERT_GE(decision.desired, std::min(std::max(c.ready, c.state.desired),
                                         c.options.max_instances));
  }
  EXPECT_GT(seen, 500);
}

TEST(ConcurrencyTargetPropertyTest, MissingOrOldSamplesNeverScaleToZero) {
  RandomCases cases;
  for (int i = 0; i < 5000; ++i) {
    RandomCase c = cases.Next();
    if (c.ready + c.state.desired == 0) continue;
    if (cases.Share() < 0.2) c.samples.clear();
    for (ConcurrencySample& sample : c.samples) {
      sample.time -= c.options.stale_after + absl::Milliseconds(1);
      sample.concurrency = 0;
    }
    ASSERT_GT(ConcurrencyTarget(c.options)
                  .Desired(c.samples, c.ready, c.state, c.now)
                  .desired,
              0);
  }
}

TEST(ConcurrencyTargetPropertyTest, ConstantDemandIsReachedInOneDirection) {
  RandomCases cases;
  for (int i = 0; i < 200; ++i) {
    const double concurrency =
        cases.Share() < 0.3 ? 0.7 * cases.Pick(0, 40) : 30 * cases.Share();
    ConcurrencyTarget::Options options = cases.Next().options;
    const int ready = cases.Pick(0, options.max_instances);
    Simulation simulation(options, ready);
    const int end = simulation.Run(concurrency, absl::Minutes(8)).desired;
    ASSERT_EQ(simulation.DirectionChanges(), 0)
        << concurrency << " from " << ready;
    ASSERT_EQ(simulation.Run(concurrency, absl::Minutes(4)).desired, end);
  }
}

}  // namespace
}  // namespace so
