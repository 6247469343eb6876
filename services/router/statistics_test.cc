#include "services/router/statistics.h"

#include "base/testing/manual_clock.h"
#include "base/testing/status_matchers.h"
#include "services/router/router_errors.h"

namespace so {
namespace {

using serverless::function::v1::Function;
using serverless::router::v1::FunctionStatistics;

class StatisticsTest : public testing::Test {
 protected:
  StatisticsTest() : statistics_("router-1", absl::Minutes(1), clock_) {
    function_.set_id("fn-1");
    function_.set_name("hello");
  }

  void Record(const absl::StatusOr<Receipt>& outcome) {
    statistics_.RecordCall(function_, absl::Milliseconds(5), outcome);
  }
  FunctionStatistics Read() { return statistics_.Snapshot({}).functions(0); }

  ManualClock clock_;
  Statistics statistics_;
  Function function_;
};

TEST_F(StatisticsTest, CountsCallsErrorsAndColdStarts) {
  Receipt cold;
  cold.set_cold_start(true);
  Receipt failed;
  failed.mutable_error()->set_code("FUNCTION_ERROR");
  Record(cold);
  Record(failed);
  EXPECT_EQ(Read().invocations(), 2);
  EXPECT_EQ(Read().cold_starts(), 1);
  EXPECT_EQ(Read().errors(), 1);
}

TEST_F(StatisticsTest, CallsThatMoreInstancesWouldHaveServedAreRejected) {
  Record(QueueFull("hello", 100, absl::Seconds(1)));
  Record(QueueTimeout("hello", absl::Seconds(30)));
  Record(Draining());
  EXPECT_EQ(Read().rejected(), 2);
  EXPECT_EQ(Read().errors(), 3);
}

TEST_F(StatisticsTest, TheWindowForgetsAndTheTotalsDoNot) {
  Record(Receipt());
  clock_.Advance(absl::Minutes(2));
  EXPECT_EQ(Read().window_invocations(), 0);
  EXPECT_EQ(Read().invocations(), 1);
}

TEST_F(StatisticsTest, AFunctionIsListedWithItsFirstCall) {
  Dispatcher::Load load;
  load.function_name = "hello";
  load.in_flight = 1;
  load.call_time = absl::Milliseconds(1500);
  load.peak = 4;
  const auto response = statistics_.Snapshot({{"fn-1", load}});
  EXPECT_EQ(response.router_id(), "router-1");
  ASSERT_EQ(response.functions_size(), 1);
  const FunctionStatistics& statistics = response.functions(0);
  EXPECT_EQ(statistics.function_id(), "fn-1");
  EXPECT_EQ(statistics.function_name(), "hello");
  EXPECT_EQ(statistics.invocations(), 0);
  EXPECT_EQ(statistics.window_seconds(), 60);
  EXPECT_EQ(statistics.in_flight(), 1);
  EXPECT_EQ(statistics.call_seconds(), 1.5);
  EXPECT_EQ(statistics.peak_concurrency(), 4);
}

TEST_F(StatisticsTest, FunctionsThatOnlyHaveInstancesAreNotListed) {
  Dispatcher::Load warmed;
  warmed.starting = 1;
  EXPECT_EQ(statistics_.Snapshot({{"fn-1", warmed}}).functions_size(), 0);
}

TEST_F(StatisticsTest, RefusalsAreCountedByReason) {
  Record(QueueFull("hello", 1, absl::Seconds(1)));
  Record(RateLimited("hello", 1, absl::Seconds(1)));
  Record(RateLimited("hello", 1, absl::Seconds(1)));
  Record(Receipt());
  const FunctionStatistics statistics = Read();
  EXPECT_EQ(statistics.refusals().size(), 2u);
  EXPECT_EQ(statistics.refusals().at("QUEUE_FULL"), 1);
  EXPECT_EQ(statistics.refusals().at("RATE_LIMITED"), 2);
  EXPECT_EQ(statistics.rejected(), 1);
}

}  // namespace
}  // namespace so
