#include "services/scaler/policy/shadow.h"

#include <cmath>
#include <random>

#include "gtest/gtest.h"
#include "services/scaler/policy/cost_optimal.h"
#include "services/scaler/policy/prediction.h"

namespace so {
namespace {

class ShadowTest : public testing::Test {
 protected:
  // One reading that prediction proposes for.
  void Read(int peak, absl::Duration step = absl::Seconds(10)) {
    now_ += step;
    const FunctionLoad load = {.peak_concurrency = peak};
    shadow_.Observe(load, spec_, prediction_.Propose(load, spec_, now_), now_);
  }
  void Idle(absl::Duration time) {
    for (; time > absl::ZeroDuration(); time -= absl::Seconds(10)) Read(0);
  }
  // One with a proposal of the test's own.
  void Tell(int peak, int wanted,
            std::optional<absl::Duration> idle_timeout = {},
            absl::Duration step = absl::Seconds(10)) {
    now_ += step;
    shadow_.Observe({.peak_concurrency = peak}, spec_,
                    {.wanted = wanted, .idle_timeout = idle_timeout}, now_);
  }

  CostOptimal policy_;
  Prediction prediction_{policy_, {.reading_interval = absl::Seconds(10)}};
  Shadow shadow_;
  FunctionSpec spec_ = {.memory_gb = 1, .cold_start = absl::Milliseconds(100)};
  absl::Time now_ =
      absl::FromCivil(absl::CivilDay(2026, 6, 1), absl::UTCTimeZone());
};

TEST_F(ShadowTest, CountsWhatWasMissingAndWhatStoodIdle) {
  Tell(0, 0);
  Tell(2, 1);
  EXPECT_EQ(shadow_.counts().predicted_cold_starts, 2);
  EXPECT_EQ(shadow_.counts().fixed_cold_starts, 2);
  EXPECT_EQ(shadow_.counts().fixed_idle_gb_seconds, 0);
  // Prediction keeps one of them; the other goes after 30 s instead of 60 s.
  for (int i = 0; i < 20; ++i) Tell(0, 1, absl::Seconds(30));
  EXPECT_EQ(shadow_.counts().fixed_idle_gb_seconds, 2 * 60);
  EXPECT_EQ(shadow_.counts().predicted_idle_gb_seconds, 200 + 30);
  Tell(2, 1);
  EXPECT_EQ(shadow_.counts().predicted_cold_starts, 3);
  EXPECT_EQ(shadow_.counts().fixed_cold_starts, 4);
  EXPECT_EQ(shadow_.counts().needs, 2);
  EXPECT_EQ(shadow_.counts().watched, absl::Seconds(220));
}

TEST_F(ShadowTest, OneStartedAheadHasToBeReady) {
  Tell(0, 1);
  Tell(1, 1, {}, absl::Milliseconds(50));
  EXPECT_EQ(shadow_.counts().predicted_cold_starts, 1);
  Tell(0, 2);
  Tell(2, 2, {}, absl::Milliseconds(150));
  EXPECT_EQ(shadow_.counts().predicted_cold_starts, 1);
}

TEST_F(ShadowTest, BothKeepTheLeastNumber) {
  spec_.min_instances = 1;
  Tell(0, 0);
  for (int i = 0; i < 10; ++i) Tell(0, 0);
  Tell(1, 0);
  EXPECT_EQ(shadow_.counts().predicted_cold_starts, 0);
  EXPECT_EQ(shadow_.counts().fixed_cold_starts, 0);
  EXPECT_EQ(shadow_.counts().fixed_idle_gb_seconds, 100);
}

TEST_F(ShadowTest, AHoleCountsForNothing) {
  Tell(0, 0);
  Tell(1, 1);
  const Shadow::Counts before = shadow_.counts();
  Tell(1, 1, {}, absl::Hours(2));
  EXPECT_EQ(shadow_.counts().watched, before.watched);
  EXPECT_EQ(shadow_.counts().fixed_cold_starts, before.fixed_cold_starts);
  EXPECT_EQ(shadow_.counts().fixed_idle_gb_seconds,
            before.fixed_idle_gb_seconds);
}

TEST_F(ShadowTest, ProvesItselfWithAFunctionOfEveryTenMinutes) {
  for (int i = 0; i < 9; ++i) {
    Read(1);
    Idle(absl::Minutes(10));
    EXPECT_EQ(shadow_.Decide(0, 0), PredictionMode::kProving);
  }
  for (int i = 0; i < 20; ++i) {
    Read(1);
    Idle(absl::Minutes(10));
  }
  EXPECT_EQ(shadow_.Decide(0, 0), PredictionMode::kProven);
  EXPECT_LT(shadow_.counts().predicted_cold_starts,
            shadow_.counts().fixed_cold_starts / 2);
}

TEST_F(ShadowTest, GainsNothingWhereCallsComeAllTheTime) {
  for (int i = 0; i < 1000; ++i) Read(i % 3 == 0 ? 1 : 0);
  EXPECT_EQ(shadow_.counts().fixed_cold_starts, 0);
  EXPECT_EQ(shadow_.Decide(0, 0), PredictionMode::kNoGain);
}

TEST_F(ShadowTest, IdleMemoryMustBeWorthIt) {
  // One of 10 GB that starts in a millisecond: six hours of it for each call.
  spec_ = {.memory_gb = 10, .cold_start = absl::Milliseconds(1)};
  Tell(0, 1);
  for (int i = 0; i < 12; ++i) {
    Tell(1, 1);
    for (int j = 0; j < 360; ++j) Tell(0, 1, {}, absl::Seconds(60));
  }
  EXPECT_EQ(shadow_.counts().predicted_cold_starts, 0);
  EXPECT_EQ(shadow_.counts().fixed_cold_starts, 12);
  EXPECT_EQ(shadow_.Decide(0, 0), PredictionMode::kNoGain);
}

TEST_F(ShadowTest, AsFewColdStartsForLessMemoryIsAGain) {
  Tell(0, 0);
  for (int i = 0; i < 12; ++i) {
    Tell(1, 0, absl::Seconds(10));
    for (int j = 0; j < 60; ++j) Tell(0, 0, absl::Seconds(10));
  }
  EXPECT_EQ(shadow_.Decide(0, 0), PredictionMode::kProven);
}

TEST_F(ShadowTest, ABudgetThatIsSpentHoldsUntilAFifthIsFree) {
  EXPECT_EQ(shadow_.Decide(100, 99), PredictionMode::kProving);
  EXPECT_EQ(shadow_.Decide(100, 100), PredictionMode::kOverBudget);
  EXPECT_EQ(shadow_.Decide(100, 85), PredictionMode::kOverBudget);
  EXPECT_EQ(shadow_.Decide(100, 79), PredictionMode::kProving);
  EXPECT_EQ(shadow_.Decide(100, 99), PredictionMode::kProving);
  EXPECT_EQ(shadow_.Decide(0, 1e9), PredictionMode::kProving);
}

TEST_F(ShadowTest, DoesNotFlapAtTheEdge) {
  Tell(0, 0);
  // Nine in ten are avoided, then as many as not, in turns of one.
  int changes = 0;
  PredictionMode mode = shadow_.Decide(0, 0);
  std::mt19937 random(3);
  for (int i = 0; i < 1000; ++i) {
    const bool kept = std::uniform_int_distribution<int>(0, 99)(random) < 11;
    for (int j = 0; j < 30; ++j) Tell(0, kept ? 1 : 0);
    Tell(1, 0);
    const PredictionMode next = shadow_.Decide(0, 0);
    if (next != mode) ++changes;
    mode = next;
  }
  EXPECT_LE(changes, 30);
}

TEST_F(ShadowTest, RestoredCountsOn) {
  for (int i = 0; i < 20; ++i) {
    Read(1);
    Idle(absl::Minutes(10));
  }
  Read(2);
  Shadow other;
  ASSERT_TRUE(other.Restore(shadow_.counts(), shadow_.last_needed(), now_));
  EXPECT_EQ(other.counts().fixed_cold_starts,
            shadow_.counts().fixed_cold_starts);
  // What was needed a moment ago is there.
  other.Observe({}, spec_, {}, now_);
  EXPECT_EQ(other.Decide(0, 0), shadow_.Decide(0, 0));
  other.Observe({.peak_concurrency = 2}, spec_, {}, now_ + absl::Seconds(9));
  EXPECT_EQ(other.counts().fixed_cold_starts,
            shadow_.counts().fixed_cold_starts);
}

TEST_F(ShadowTest, RestoreRefusesWhatCannotBe) {
  EXPECT_FALSE(shadow_.Restore({.fixed_cold_starts = -1}, {}, now_));
  EXPECT_FALSE(shadow_.Restore({.fixed_cold_starts = NAN}, {}, now_));
  EXPECT_FALSE(shadow_.Restore({.needs = INFINITY}, {}, now_));
  EXPECT_FALSE(
      shadow_.Restore({.watched = absl::InfiniteDuration()}, {}, now_));
  EXPECT_FALSE(shadow_.Restore({}, {now_ + absl::Seconds(1)}, now_));
  EXPECT_FALSE(shadow_.Restore({}, {now_ - absl::Seconds(1), now_}, now_));
  EXPECT_FALSE(shadow_.Restore({}, std::vector<absl::Time>(1001, now_), now_));
  EXPECT_TRUE(shadow_.Restore({}, {now_}, now_));
}

TEST(ShadowPropertyTest, CountsNeverFallWhateverComes) {
  std::mt19937 random(9);
  const auto pick = [&](int a, int b) {
    return std::uniform_int_distribution<int>(a, b)(random);
  };
  const CostOptimal policy;
  for (int round = 0; round < 5; ++round) {
    Prediction prediction(policy, {});
    Shadow shadow;
    Shadow same;
    absl::Time now = absl::FromUnixSeconds(1780000000);
    Shadow::Counts before;
    for (int i = 0; i < 1000; ++i) {
      const int dice = pick(0, 199);
      if (dice == 0) now -= absl::Hours(pick(0, 50));
      if (dice == 1) now += absl::Hours(pick(0, 50));
      if (dice == 2) now -= absl::Seconds(pick(0, 100));
      if (dice > 10) now += absl::Seconds(pick(1, 60));
      const FunctionLoad load = {.running = dice % 9 == 0 ? pick(0, 9) : 0,
                                 .peak_concurrency = pick(0, 3) % 3};
      const FunctionSpec spec = {.max_instances = pick(1, 10)};
      const Proposal proposal = prediction.Propose(load, spec, now);
      shadow.Observe(load, spec, proposal, now);
      same.Observe(load, spec, proposal, now);
      const Shadow::Counts& counts = shadow.counts();
      ASSERT_GE(counts.predicted_cold_starts, before.predicted_cold_starts);
      ASSERT_GE(counts.fixed_cold_starts, before.fixed_cold_starts);
      ASSERT_GE(counts.predicted_idle_gb_seconds,
                before.predicted_idle_gb_seconds);
      ASSERT_GE(counts.fixed_idle_gb_seconds, before.fixed_idle_gb_seconds);
      ASSERT_GE(counts.watched, before.watched);
      ASSERT_EQ(shadow.Decide(5, 3), same.Decide(5, 3));
      before = counts;
    }
    Shadow other;
    const absl::Time later = now + absl::Hours(100);
    ASSERT_TRUE(other.Restore(shadow.counts(), shadow.last_needed(), later));
  }
}

}  // namespace
}  // namespace so
