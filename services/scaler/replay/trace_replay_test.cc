#include "services/scaler/replay/trace_replay.h"

#include "gtest/gtest.h"
#include "services/scaler/policy/fixed_keep_alive.h"

namespace so {
namespace {

Trace ManyFunctions(int count) {
  Trace trace = {.minutes = 60};
  for (int i = 0; i < count; ++i) {
    trace.functions.push_back(
        {.name = "function-" + std::to_string(i),
         .minutes = {{i % 7, 1 + static_cast<uint32_t>(i % 3)}, {40, 2}},
         .duration = absl::Milliseconds(100 * i),
         .memory_gb = 0.1 + 0.001 * i});
  }
  return trace;
}

TEST(TraceReplayTest, ThreadsDoNotChangeTheResult) {
  const Trace trace = ManyFunctions(200);
  const FixedKeepAlive policy = FixedKeepAlive::For(absl::Minutes(10));
  const ReplayOptions options = {.spread = Spread::kRandom};
  const ReplayResult one = Replay(trace, policy, options, 1);
  const ReplayResult four = Replay(trace, policy, options, 4);
  EXPECT_EQ(one.total.cold, four.total.cold);
  EXPECT_EQ(one.total.idle_gb_seconds, four.total.idle_gb_seconds);
  EXPECT_EQ(one.functions, 200u);
  EXPECT_GT(one.total.cold, 200u);
}

TEST(TraceReplayTest, SharesAndLatencies) {
  // Three functions with 1 of 2 calls cold, one with 1 of 1.
  Trace trace = {.minutes = 60};
  for (int i = 0; i < 3; ++i) {
    trace.functions.push_back({.name = "a", .minutes = {{0, 2}}});
  }
  trace.functions.push_back({.name = "b", .minutes = {{0, 1}}});
  trace.functions.push_back({.name = "never"});
  const ReplayResult result =
      Replay(trace, FixedKeepAlive::For(absl::Minutes(10)),
             {.cold_start = absl::Milliseconds(5)}, 1);
  EXPECT_EQ(result.policy, "fixed:10m");
  EXPECT_EQ(result.functions, 4u);
  EXPECT_DOUBLE_EQ(result.cold_share(), 4.0 / 7);
  EXPECT_DOUBLE_EQ(result.cold_share_p75, 0.5);
  EXPECT_EQ(result.cold_latency(), absl::Milliseconds(20));
  EXPECT_EQ(result.latency_p95(), absl::Milliseconds(5));
}

TEST(TraceReplayTest, RareColdStartsAreNotInTheP95) {
  Trace trace = {.minutes = 60};
  trace.functions.push_back({.name = "a", .minutes = {{0, 100}}});
  const ReplayResult result =
      Replay(trace, FixedKeepAlive::For(absl::Minutes(10)), {}, 1);
  EXPECT_EQ(result.total.cold, 1u);
  EXPECT_EQ(result.latency_p95(), absl::ZeroDuration());
}

TEST(TraceReplayTest, EmptyTraceIsEmpty) {
  const ReplayResult result =
      Replay(Trace(), FixedKeepAlive::For(absl::Minutes(10)), {}, 2);
  EXPECT_EQ(result.cold_share(), 0);
  EXPECT_EQ(result.cold_share_p75, 0);
}

TEST(HalfOfTest, HalvesShareNothingAndMissNothing) {
  const Trace trace = ManyFunctions(1000);
  const Trace odd = HalfOf(trace, true, 1);
  const Trace even = HalfOf(trace, false, 1);
  EXPECT_EQ(odd.functions.size() + even.functions.size(), 1000u);
  EXPECT_NEAR(static_cast<double>(odd.functions.size()), 500, 100);
  EXPECT_EQ(odd.minutes, 60);
  EXPECT_NE(HalfOf(trace, true, 2).functions[0].name + "/" +
                HalfOf(trace, true, 3).functions[0].name,
            odd.functions[0].name + "/" + odd.functions[0].name);
}

}  // namespace
}  // namespace so
