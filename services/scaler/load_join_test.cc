#include "services/scaler/load_join.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using serverless::pool::v1::GetMetricsResponse;
using serverless::router::v1::GetStatisticsResponse;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

GetStatisticsResponse Statistics() {
  GetStatisticsResponse response;
  response.set_router_id("r-1");
  auto& used = *response.add_functions();
  used.set_function_id("fn-1");
  used.set_queue_depth(12);
  used.set_in_flight(2);
  used.set_average(250);
  used.set_invocations(40);
  used.set_errors(9);
  used.set_cold_starts(5);
  used.set_rejected(3);
  (*used.mutable_refusals())["QUEUE_FULL"] = 3;
  (*used.mutable_refusals())["RATE_LIMITED"] = 2;
  used.set_call_seconds(17.5);
  used.mutable_duration()->set_sum(4);
  used.set_peak_concurrency(6);
  response.add_functions()->set_function_id("fn-deleted");
  return response;
}

GetMetricsResponse Metrics(int warm, int busy) {
  GetMetricsResponse response;
  auto& used = *response.add_metrics();
  used.set_function_id("fn-1");
  used.set_function_name("hello");
  used.set_warm(warm);
  used.set_busy(busy);
  used.set_warming(1);
  used.set_max_instances(20);
  used.set_idle_gb_seconds(1.5);
  return response;
}

TEST(JoinLoadTest, JoinsRouterAndPoolByFunction) {
  const LoadReading reading = JoinLoad(Statistics(), {Metrics(1, 2)});
  EXPECT_EQ(reading.router_id, "r-1");
  ASSERT_THAT(reading.loads, SizeIs(1));
  const FunctionLoad& load = reading.loads[0];
  EXPECT_EQ(load.function_id, "fn-1");
  EXPECT_EQ(load.function_name, "hello");
  EXPECT_EQ(load.queue_depth, 12);
  EXPECT_EQ(load.running, 2);
  EXPECT_EQ(load.average_response, absl::Milliseconds(250));
  EXPECT_EQ(load.invocations, 40);
  EXPECT_EQ(load.cold_starts, 5);
  EXPECT_EQ(load.rejected, 3);
  // Nine errors, of which five were refusals.
  EXPECT_EQ(load.failed, 4);
  EXPECT_EQ(load.call_time, absl::Milliseconds(17500));
  EXPECT_EQ(load.run_time, absl::Seconds(4));
  EXPECT_EQ(load.peak_concurrency, 6);
  EXPECT_EQ(load.warm, 1);
  EXPECT_EQ(load.busy, 2);
  EXPECT_EQ(load.warming, 1);
  EXPECT_EQ(load.idle_gb_seconds, 1.5);
  EXPECT_EQ(load.max_instances, 20);
  EXPECT_THAT(load.by_pool, ElementsAre(4));
}

TEST(JoinLoadTest, PoolsAddUp) {
  const LoadReading reading =
      JoinLoad(Statistics(), {Metrics(1, 2), std::nullopt, Metrics(3, 0)});
  ASSERT_THAT(reading.loads, SizeIs(1));
  EXPECT_EQ(reading.loads[0].warm, 4);
  EXPECT_EQ(reading.loads[0].idle_gb_seconds, 3);
  EXPECT_THAT(reading.loads[0].by_pool, ElementsAre(4, -1, 4));
}

TEST(JoinLoadTest, FunctionThatWasNeverCalledIsThere) {
  const LoadReading reading = JoinLoad({}, {Metrics(0, 0)});
  ASSERT_THAT(reading.loads, SizeIs(1));
  EXPECT_EQ(reading.loads[0].invocations, 0);
}

TEST(JoinLoadTest, ColdStartIsTheSumOfItsSteps) {
  GetMetricsResponse metrics = Metrics(0, 0);
  const auto add = [&](const char* step, double fast, double slow) {
    auto& added = *metrics.add_start_steps();
    added.set_runtime("node");
    added.set_step(step);
    for (const double bound : {0.001, 0.005, 0.1}) added.add_bounds(bound);
    added.add_counts(fast);
    added.add_counts(fast + slow);
    added.add_counts(fast + slow);
    added.set_count(fast + slow);
    added.set_sum(1);
  };
  add("take", 99, 1);
  add("activate", 90, 10);
  add("init", 0, 100);
  // Done ahead.
  add("fork", 0, 100);
  const LoadReading reading = JoinLoad({}, {metrics});
  EXPECT_EQ(reading.cold_starts.at("node"), absl::Milliseconds(11));
  EXPECT_THAT(JoinLoad({}, {Metrics(0, 0)}).cold_starts, IsEmpty());
}

}  // namespace
}  // namespace so
