#include "services/scaler/load_changes.h"

#include "gtest/gtest.h"

namespace so {
namespace {

class LoadChangesTest : public testing::Test {
 protected:
  // A reading of one function, two seconds after the one before.
  FunctionLoad Read(FunctionLoad load, const std::string& router = "r1") {
    now_ += absl::Seconds(2);
    load.function_id = "fn-1";
    LoadReading reading = {.router_id = router, .loads = {load}};
    changes_.Update(reading, now_);
    return reading.loads.front();
  }

  absl::Time now_ = absl::UnixEpoch();
  LoadChanges changes_;
};

TEST_F(LoadChangesTest, FirstReadingSaysNothingOfTheTimeBefore) {
  const FunctionLoad load = Read({.queue_depth = 1,
                                  .running = 2,
                                  .invocations = 100,
                                  .rejected = 50,
                                  .call_time = absl::Seconds(500),
                                  .peak_concurrency = 7});
  EXPECT_FALSE(load.error_rate.has_value());
  EXPECT_EQ(load.calls, 0);
  EXPECT_EQ(load.concurrency, 3);
  EXPECT_EQ(load.peak_concurrency, 7);
}

TEST_F(LoadChangesTest, ComparesWithTheReadingBefore) {
  Read({.invocations = 100,
        .rejected = 10,
        .failed = 5,
        .call_time = absl::Seconds(50),
        .run_time = absl::Seconds(30)});
  const FunctionLoad load = Read({.invocations = 120,
                                  .rejected = 15,
                                  .failed = 7,
                                  .call_time = absl::Seconds(55),
                                  .run_time = absl::Seconds(32),
                                  .peak_concurrency = 4});
  EXPECT_DOUBLE_EQ(*load.error_rate, 0.25);
  EXPECT_DOUBLE_EQ(load.failure_rate, 0.1);
  EXPECT_EQ(load.calls, 20);
  EXPECT_EQ(load.average_run, absl::Milliseconds(100));
  EXPECT_DOUBLE_EQ(load.concurrency, 2.5);
  EXPECT_EQ(load.peak_concurrency, 4);
}

TEST_F(LoadChangesTest, WithoutCallsNothingIsKnownOfErrors) {
  Read({.invocations = 100, .rejected = 10});
  const FunctionLoad load =
      Read({.invocations = 100, .rejected = 10, .peak_concurrency = 4});
  EXPECT_FALSE(load.error_rate.has_value());
  EXPECT_EQ(load.concurrency, 0);
  // What the router remembers was before the previous reading.
  EXPECT_EQ(load.peak_concurrency, 0);
}

TEST_F(LoadChangesTest, CallInProgressIsConcurrencyAndPeak) {
  Read({.running = 1, .call_time = absl::Seconds(1)});
  const FunctionLoad load = Read(
      {.running = 1, .call_time = absl::Seconds(3), .peak_concurrency = 1});
  EXPECT_DOUBLE_EQ(load.concurrency, 1);
  EXPECT_EQ(load.peak_concurrency, 1);
}

TEST_F(LoadChangesTest, FunctionNewToTheRouterBeganAtZero) {
  LoadReading empty = {.router_id = "r1"};
  changes_.Update(empty, now_);
  const FunctionLoad load = Read({.invocations = 4, .rejected = 1});
  EXPECT_EQ(load.calls, 4);
  EXPECT_DOUBLE_EQ(*load.error_rate, 0.25);
}

TEST_F(LoadChangesTest, RestartedRouterIsNotCompared) {
  Read({.invocations = 100, .rejected = 50}, "r1");
  const FunctionLoad load = Read({.invocations = 200, .rejected = 60}, "r2");
  EXPECT_FALSE(load.error_rate.has_value());
  EXPECT_EQ(load.calls, 0);
  EXPECT_EQ(Read({.invocations = 201, .rejected = 60}, "r2").calls, 1);
}

}  // namespace
}  // namespace so
