#include "services/scaler/policy/compose.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const absl::Time kNow = absl::FromUnixSeconds(1767225600);

FunctionLoad Load(int warm, int busy = 0, int warming = 0) {
  return {
      .function_id = "fn-1", .warm = warm, .busy = busy, .warming = warming};
}

ScalingDecision Decide(std::vector<Proposal> proposals,
                       const FunctionLoad& load, const FunctionSpec& spec = {},
                       const ComposeLimits& limits = {}) {
  return Compose(std::move(proposals), load, spec, limits, nullptr, kNow);
}

TEST(ComposeTest, LargestWins) {
  const ScalingDecision decision =
      Decide({{.policy = "concurrency", .wanted = 3},
              {.policy = "drain", .wanted = 5},
              {.policy = "windows", .wanted = 2}},
             Load(1, 1, 1));
  EXPECT_EQ(decision.time, kNow);
  EXPECT_EQ(decision.action, ScalingAction::kScaleUp);
  EXPECT_EQ(decision.reason, "drain");
  EXPECT_EQ(decision.current, 3);
  EXPECT_EQ(decision.desired, 5);
  EXPECT_THAT(decision.clamps, IsEmpty());
  EXPECT_THAT(decision.proposals, SizeIs(3));
  EXPECT_EQ(decision.load.function_id, "fn-1");
}

TEST(ComposeTest, FirstOfEqualsWins) {
  EXPECT_EQ(Decide({{.policy = "drain", .wanted = 3},
                    {.policy = "concurrency", .wanted = 3}},
                   Load(0))
                .reason,
            "drain");
}

TEST(ComposeTest, WarmingInstancesAreThere) {
  EXPECT_EQ(Decide({{.policy = "drain", .wanted = 4}}, Load(1, 1, 2)).action,
            ScalingAction::kHold);
}

TEST(ComposeTest, FewerIsScaleDown) {
  const ScalingDecision decision =
      Decide({{.policy = "concurrency", .wanted = 2}}, Load(4));
  EXPECT_EQ(decision.action, ScalingAction::kScaleDown);
  EXPECT_EQ(decision.desired, 2);
}

TEST(ComposeTest, NobodyWantsAnything) {
  EXPECT_EQ(Decide({}, Load(0)).reason, "none");
  EXPECT_EQ(Decide({}, Load(0)).desired, 0);
  EXPECT_EQ(Decide({{.policy = "drain", .wanted = -3}}, Load(0)).desired, 0);
}

TEST(ComposeTest, BoundsHold) {
  const FunctionSpec spec = {.min_instances = 2, .max_instances = 5};
  const ScalingDecision least =
      Decide({{.policy = "concurrency", .wanted = 1}}, Load(0), spec);
  EXPECT_EQ(least.desired, 2);
  EXPECT_EQ(least.reason, "min-instances");
  EXPECT_THAT(least.clamps, ElementsAre("min-instances"));
  const ScalingDecision most =
      Decide({{.policy = "concurrency", .wanted = 9}}, Load(0), spec);
  EXPECT_EQ(most.desired, 5);
  EXPECT_EQ(most.reason, "max-instances");
  EXPECT_THAT(most.clamps, ElementsAre("max-instances"));
}

TEST(ComposeTest, UsedUpBudgetCutsWhatIsAheadOfCalls) {
  const std::vector<Proposal> proposals = {
      {.policy = "concurrency", .wanted = 2},
      {.policy = "windows", .wanted = 3},
      {.policy = "history", .wanted = 6},
      {.policy = "schedules", .wanted = 7},
      {.policy = "prediction", .wanted = 8}};
  EXPECT_EQ(Decide(proposals, Load(0)).desired, 8);
  const ScalingDecision decision =
      Decide(proposals, Load(0), {}, {.budget_exhausted = true});
  EXPECT_EQ(decision.desired, 3);
  EXPECT_EQ(decision.reason, "idle-budget");
  EXPECT_THAT(decision.clamps, ElementsAre("idle-budget"));
}

TEST(ComposeTest, UsedUpBudgetLeavesTheRestAlone) {
  const ScalingDecision decision = Decide(
      {{.policy = "prediction", .wanted = 3}, {.policy = "drain", .wanted = 4}},
      Load(0), {}, {.budget_exhausted = true});
  EXPECT_EQ(decision.desired, 4);
  EXPECT_EQ(decision.reason, "drain");
  EXPECT_THAT(decision.clamps, IsEmpty());
  // Nor the minimum.
  EXPECT_THAT(Decide({{.policy = "prediction", .wanted = 3}}, Load(0),
                     {.min_instances = 1}, {.budget_exhausted = true})
                  .clamps,
              ElementsAre("idle-budget", "min-instances"));
}

TEST(ComposeTest, ShortestIdleTimeoutHolds) {
  EXPECT_EQ(Decide({{.policy = "prediction",
                     .wanted = 1,
                     .idle_timeout = absl::Minutes(8)},
                    {.policy = "schedules", .idle_timeout = absl::Minutes(2)},
                    {.policy = "drain"}},
                   Load(3))
                .idle_timeout,
            absl::Minutes(2));
  EXPECT_EQ(Decide({{.policy = "drain"}}, Load(3)).idle_timeout, std::nullopt);
}

TEST(ComposeTest, NothingGoesEarlyWhileCallsWantMore) {
  const std::vector<Proposal> proposals = {
      {.policy = "prediction", .idle_timeout = absl::Seconds(5)},
      {.policy = "drain", .wanted = 4}};
  EXPECT_EQ(Decide(proposals, Load(3)).idle_timeout, std::nullopt);
  EXPECT_EQ(Decide(proposals, Load(4)).idle_timeout, absl::Seconds(5));
}

TEST(ComposeTest, UsedUpBudgetDoesNotKeepForLonger) {
  EXPECT_EQ(Decide({{.policy = "prediction", .idle_timeout = absl::Minutes(8)}},
                   Load(3), {}, {.budget_exhausted = true})
                .idle_timeout,
            absl::Minutes(1));
  EXPECT_EQ(Decide({{.policy = "prediction", .idle_timeout = absl::Seconds(8)}},
                   Load(3), {}, {.budget_exhausted = true})
                .idle_timeout,
            absl::Seconds(8));
}

TEST(ComposeTest, MissingReadingHoldsWhatWasWanted) {
  const ScalingDecision before = Decide(
      {{.policy = "windows", .wanted = 7, .idle_timeout = absl::Minutes(1)}},
      Load(5));
  const ScalingDecision decision =
      Compose({}, std::nullopt, {}, {}, &before, kNow + absl::Seconds(2));
  EXPECT_EQ(decision.action, ScalingAction::kHold);
  EXPECT_EQ(decision.reason, "stale");
  EXPECT_EQ(decision.desired, 7);
  EXPECT_EQ(decision.current, 5);
  EXPECT_EQ(decision.idle_timeout, absl::Minutes(1));
  EXPECT_THAT(decision.clamps, ElementsAre("stale"));
  EXPECT_EQ(decision.load.function_id, "fn-1");
  EXPECT_THAT(decision.proposals, SizeIs(1));
  // And so on.
  EXPECT_EQ(Compose({}, std::nullopt, {}, {}, &decision, kNow).desired, 7);
}

TEST(ComposeTest, OldReadingHoldsWhatWasWanted) {
  const ScalingDecision before =
      Decide({{.policy = "drain", .wanted = 7}}, Load(5));
  const ScalingDecision decision =
      Compose({{.policy = "drain", .wanted = 1}}, Load(6), {},
              {.reading_age = absl::Seconds(11)}, &before, kNow);
  EXPECT_EQ(decision.desired, 7);
  EXPECT_EQ(decision.current, 6);
  EXPECT_EQ(decision.reason, "stale");
}

TEST(ComposeTest, MissingReadingKeepsTheLastInstance) {
  const ScalingDecision before = Decide({}, Load(3));
  EXPECT_EQ(before.desired, 0);
  EXPECT_EQ(Compose({}, std::nullopt, {}, {}, &before, kNow).desired, 1);
  const ScalingDecision none = Decide({}, Load(0));
  EXPECT_EQ(Compose({}, std::nullopt, {}, {}, &none, kNow).desired, 0);
}

TEST(ComposeTest, BoundsHoldWithoutAReading) {
  const ScalingDecision before =
      Decide({{.policy = "drain", .wanted = 7}}, Load(5));
  EXPECT_EQ(Compose({}, std::nullopt, {.max_instances = 4}, {}, &before, kNow)
                .desired,
            4);
  EXPECT_EQ(Compose({}, std::nullopt, {.min_instances = 2}, {}, nullptr, kNow)
                .desired,
            2);
}

TEST(ComposeTest, ExplainsItself) {
  const ScalingDecision decision =
      Decide({{.policy = "concurrency", .wanted = 9, .formula = "a / b = 9"},
              {.policy = "prediction", .idle_timeout = absl::Minutes(2)}},
             Load(6), {.max_instances = 5});
  EXPECT_EQ(Explain(decision),
            "scale-down 6 -> 5 by max-instances (max-instances) | "
            "concurrency 9: a / b = 9 | prediction 0: ");
  EXPECT_THAT(Explain(Decide(
                  {{.policy = "prediction", .idle_timeout = absl::Minutes(2)}},
                  Load(6))),
              HasSubstr("the rest idle for at most 2m"));
}

}  // namespace
}  // namespace so
