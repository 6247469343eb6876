#include "services/scaler/replay/function_replay.h"

#include "gtest/gtest.h"
#include "services/scaler/policy/cost_optimal.h"
#include "services/scaler/policy/fixed_keep_alive.h"

namespace so {
namespace {

// One GB, calls of one second, so that the sums are easy to see.
TraceFunction Function(std::vector<MinuteCalls> minutes,
                       absl::Duration duration = absl::Seconds(1)) {
  return {.name = "f",
          .minutes = std::move(minutes),
          .duration = duration,
          .memory_gb = 1};
}

FunctionResult Replayed(const TraceFunction& function, const WarmPlan& plan,
                        absl::Duration length = absl::Hours(1)) {
  const FixedKeepAlive policy("test", plan);
  return FunctionReplay(function, length, policy,
                        {.cold_start = absl::ZeroDuration()})
      .Run();
}

TEST(FunctionReplayTest, CallWithinTheKeepAliveIsWarm) {
  const FunctionResult result =
      Replayed(Function({{0, 1}, {5, 1}}), {.keep = absl::Minutes(10)});
  EXPECT_EQ(result.calls, 2u);
  EXPECT_EQ(result.cold, 1u);
  // Between the calls, and after the second one.
  EXPECT_DOUBLE_EQ(result.idle_gb_seconds, 299 + 600);
  EXPECT_DOUBLE_EQ(result.busy_gb_seconds, 2);
  EXPECT_EQ(result.evictions, 1u);
}

TEST(FunctionReplayTest, CallAfterTheKeepAliveIsCold) {
  const FunctionResult result =
      Replayed(Function({{0, 1}, {15, 1}}), {.keep = absl::Minutes(10)});
  EXPECT_EQ(result.cold, 2u);
  EXPECT_DOUBLE_EQ(result.idle_gb_seconds, 600 + 600);
  EXPECT_EQ(result.evictions, 2u);
  EXPECT_EQ(result.flaps, 0u);
}

TEST(FunctionReplayTest, ColdStartSoonAfterLettingGoIsAFlap) {
  const FunctionResult result =
      Replayed(Function({{0, 1}, {5, 1}}), {.keep = absl::Minutes(4)});
  EXPECT_EQ(result.cold, 2u);
  EXPECT_EQ(result.flaps, 1u);
}

TEST(FunctionReplayTest, IdleCountsToTheEndOfTheTrace) {
  const FunctionResult result =
      Replayed(Function({{0, 1}}), {.keep = absl::Hours(10)}, absl::Minutes(2));
  EXPECT_DOUBLE_EQ(result.idle_gb_seconds, 120 - 31);
  EXPECT_EQ(result.evictions, 0u);
}

TEST(FunctionReplayTest, StartAheadMeetsTheCall) {
  const FunctionResult result = Replayed(Function({{0, 1}, {30, 1}}),
                                         {.keep = absl::Minutes(1),
                                          .prewarm = absl::Minutes(25),
                                          .prewarm_keep = absl::Minutes(20)},
                                         absl::Minutes(31));
  EXPECT_EQ(result.cold, 1u);
  EXPECT_EQ(result.started_ahead, 1u);
  EXPECT_EQ(result.evictions, 1u);
  // 60 s kept and 299 s ahead; then 29 s to the end.
  EXPECT_DOUBLE_EQ(result.idle_gb_seconds, 60 + 299 + 29);
}

TEST(FunctionReplayTest, StartAheadInVainIsLetGoAgain) {
  const FunctionResult result = Replayed(Function({{0, 1}, {50, 1}}),
                                         {.keep = absl::Minutes(1),
                                          .prewarm = absl::Minutes(25),
                                          .prewarm_keep = absl::Minutes(5)},
                                         absl::Minutes(51));
  EXPECT_EQ(result.cold, 2u);
  EXPECT_EQ(result.started_ahead, 1u);
  EXPECT_EQ(result.evictions, 2u);
}

TEST(FunctionReplayTest, CallsAtTheSameTimeNeedInstancesOfTheirOwn) {
  // Six calls a minute, each of 25 s: the third comes while two run.
  const FunctionResult result = Replayed(
      Function({{0, 6}, {1, 6}}, absl::Seconds(25)), {.keep = absl::Hours(1)});
  EXPECT_EQ(result.cold, 3u);
  EXPECT_DOUBLE_EQ(result.busy_gb_seconds, 12 * 25);
}

TEST(FunctionReplayTest, ColdStartKeepsTheInstanceBusy) {
  // Calls every 10 s that take 5 s are one at a time, unless starting takes 8
  // s.
  const TraceFunction function = Function({{0, 6}}, absl::Seconds(5));
  const FixedKeepAlive policy = FixedKeepAlive::For(absl::Hours(1));
  const auto cold = [&](absl::Duration start) {
    return FunctionReplay(function, absl::Hours(1), policy,
                          {.cold_start = start})
        .Run()
        .cold;
  };
  EXPECT_EQ(cold(absl::ZeroDuration()), 1u);
  EXPECT_EQ(cold(absl::Seconds(8)), 2u);
}

TEST(FunctionReplayTest, AgeEndsAnInstanceUnlessItIsReplaced) {
  std::vector<MinuteCalls> minutes;
  for (int i = 0; i < 20; ++i) minutes.push_back({i, 1});
  const WarmPlan plan = {.keep = absl::Minutes(10),
                         .max_age = absl::Minutes(5)};
  EXPECT_EQ(Replayed(Function(minutes), plan).cold, 4u);

  WarmPlan replaced = plan;
  replaced.replace_aged = true;
  const FunctionResult result = Replayed(Function(minutes), replaced);
  EXPECT_EQ(result.cold, 1u);
  EXPECT_EQ(result.started_ahead, 3u);
}

// Lets the first instance go at once and keeps the second one.
class KeepSecond : public KeepAlivePolicy {
 public:
  std::string name() const override { return "keep-second"; }
  KeepAliveDecision Decide(const GapHistogram&,
                           const FunctionProfile&) const override {
    return {.plan = {.keep = ++decided_ % 2 == 1 ? absl::Hours(1)
                                                 : absl::ZeroDuration()}};
  }

 private:
  mutable int decided_ = 0;
};

TEST(FunctionReplayTest, InstancesAreInterchangeable) {
  // Two calls of 40 s overlap in minute 0. The second place becomes idle first
  // and is kept; the call of minute 5 needs one instance, and takes that one.
  const TraceFunction function = Function({{0, 2}, {5, 1}}, absl::Seconds(40));
  const KeepSecond policy;
  const FunctionResult result =
      FunctionReplay(function, absl::Minutes(6), policy, {}).Run();
  EXPECT_EQ(result.calls, 3u);
  EXPECT_EQ(result.cold, 2u);
}

TEST(FunctionReplayTest, CostOptimalLearnsARhythm) {
  std::vector<MinuteCalls> minutes;
  for (int i = 0; i < 1440; i += 45) minutes.push_back({i, 1});
  const TraceFunction function = Function(minutes);
  const ReplayOptions options;
  const FixedKeepAlive fixed = FixedKeepAlive::For(absl::Minutes(10));
  const CostOptimal optimal({.price = 0.01});
  const FunctionResult before =
      FunctionReplay(function, absl::Hours(24), fixed, options).Run();
  const FunctionResult after =
      FunctionReplay(function, absl::Hours(24), optimal, options).Run();
  EXPECT_EQ(before.cold, 32u);
  EXPECT_LT(after.cold, 6u);
  EXPECT_LT(after.idle_gb_seconds, 0.7 * before.idle_gb_seconds);
}

TEST(FunctionReplayTest, SparesAreKeptBesideBusyInstances) {
  const FixedKeepAlive policy("test", {.keep = absl::Minutes(1)},
                              {.instances = 2, .interval = absl::Seconds(5)});
  // From second 30 to 42: looked at in seconds 30, 35 and 40.
  const TraceFunction one = Function({{0, 1}}, absl::Seconds(12));
  const FunctionResult result =
      FunctionReplay(one, absl::Hours(1), policy,
                     {.cold_start = absl::ZeroDuration()})
          .Run();
  EXPECT_EQ(result.cold, 1u);
  EXPECT_EQ(result.started_ahead, 2u);
  EXPECT_EQ(result.evictions, 3u);
  EXPECT_DOUBLE_EQ(result.idle_gb_seconds, 180);
}

}  // namespace
}  // namespace so
