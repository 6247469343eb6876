#include "services/scaler/threshold_policy.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1767225600);

struct Case {
  std::string name;
  FunctionLoad load;
  ScaleReason reason;
  // Instances added.
  int added;
};

void PrintTo(const Case& c, std::ostream* os) { *os << c.name; }

class ThresholdPolicyTest : public testing::TestWithParam<Case> {};

TEST_P(ThresholdPolicyTest, Decides) {
  const FunctionLoad& load = GetParam().load;
  const ScalingDecision decision = Decide(load, ThresholdPolicy(), kNow);
  EXPECT_EQ(ToString(decision.reason), ToString(GetParam().reason));
  EXPECT_EQ(decision.desired - decision.current, GetParam().added);
  EXPECT_EQ(decision.current, load.current());
  EXPECT_EQ(decision.time, kNow);
  EXPECT_EQ(decision.inputs.queue_depth, load.queue_depth);
}

INSTANTIATE_TEST_SUITE_P(
    Table, ThresholdPolicyTest,
    testing::ValuesIn(std::vector<Case>{
        {"Idle", {.warm = 3}, ScaleReason::kNone, 0},
        {"UnknownAndUnused", {}, ScaleReason::kNone, 0},
        {"RefusedButNothingThere", {.error_rate = 1.0}, ScaleReason::kNone, 0},

        {"QueueAtTheThreshold",
         {.queue_depth = 10, .warm = 2, .busy = 1},
         ScaleReason::kNone,
         0},
        {"QueueAboveTheThreshold",
         {.queue_depth = 11, .warm = 2, .busy = 1},
         ScaleReason::kQueueDepth,
         2},
        {"QueueOfTwiceTheThreshold",
         {.queue_depth = 20, .warm = 2, .busy = 1},
         ScaleReason::kQueueDepth,
         2},
        {"LongQueueIsBoundedByTheStep",
         {.queue_depth = 1000, .warm = 0, .busy = 4},
         ScaleReason::kQueueDepth,
         3},
        {"QueueWithoutInstances",
         {.queue_depth = 11},
         ScaleReason::kQueueDepth,
         2},
        {"QueueWhileInstancesAreWarming",
         {.queue_depth = 15, .warm = 2, .busy = 1, .warming = 1},
         ScaleReason::kQueueDepth,
         1},
        {"QueueWhileEnoughAreWarming",
         {.queue_depth = 15, .warm = 2, .busy = 1, .warming = 2},
         ScaleReason::kNone,
         0},

        {"BusyWithoutSpare", {.warm = 0, .busy = 1}, ScaleReason::kLowWarm, 2},
        {"BusyWithOneSpare", {.warm = 1, .busy = 5}, ScaleReason::kLowWarm, 1},
        {"BusyWithTwoSpare", {.warm = 2, .busy = 5}, ScaleReason::kNone, 0},
        {"BusyWithASpareWarming",
         {.warm = 0, .busy = 5, .warming = 2},
         ScaleReason::kNone,
         0},
        {"OneWarmAndIdle", {.warm = 1}, ScaleReason::kNone, 0},

        {"SlowWhileCallsWait",
         {.queue_depth = 1,
          .average_response = absl::Milliseconds(1001),
          .warm = 2,
          .busy = 1},
         ScaleReason::kResponseTime,
         1},
        {"SlowAtTheThreshold",
         {.queue_depth = 1,
          .average_response = absl::Seconds(1),
          .warm = 2,
          .busy = 1},
         ScaleReason::kNone,
         0},
        {"SlowByItselfWithNothingWaiting",
         {.average_response = absl::Minutes(1), .warm = 2, .busy = 1},
         ScaleReason::kNone,
         0},

        {"RefusedCalls",
         {.warm = 2, .busy = 8, .error_rate = 0.06},
         ScaleReason::kErrorRate,
         3},
        {"RefusedCallsAtTheThreshold",
         {.warm = 2, .busy = 8, .error_rate = 0.05},
         ScaleReason::kNone,
         0},
        {"NoRefusalKnown", {.warm = 2, .busy = 8}, ScaleReason::kNone, 0},

        {"StrongestReasonWins",
         {.queue_depth = 25,
          .average_response = absl::Minutes(1),
          .warm = 0,
          .busy = 1},
         ScaleReason::kQueueDepth,
         3},
        {"FirstOfEqualReasonsWins",
         {.queue_depth = 30, .busy = 1, .error_rate = 1.0},
         ScaleReason::kQueueDepth,
         3},

        {"BoundedByMaxInstances",
         {.queue_depth = 100, .busy = 4, .max_instances = 5},
         ScaleReason::kQueueDepth,
         1},
        {"AtMaxInstances",
         {.queue_depth = 100, .busy = 5, .max_instances = 5},
         ScaleReason::kNone,
         0},
        {"AboveMaxInstancesIsNotScaledDown",
         {.queue_depth = 100, .busy = 7, .max_instances = 5},
         ScaleReason::kNone,
         0},
    }),
    [](const auto& test) { return test.param.name; });

TEST(ThresholdPolicyZeroTest, QueueThresholdOfZeroMeansEveryWaitingCall) {
  const FunctionLoad load = {.queue_depth = 2, .warm = 2, .busy = 1};
  const ScalingDecision decision =
      Decide(load, {.queue_depth = 0, .max_step = 10}, kNow);
  EXPECT_EQ(decision.reason, ScaleReason::kQueueDepth);
  EXPECT_EQ(decision.desired, 5);
}

TEST(ThresholdPolicyZeroTest, MinWarmOfZeroSwitchesTheRuleOff) {
  const FunctionLoad load = {.busy = 1};
  EXPECT_EQ(Decide(load, {.min_warm = 0}, kNow).reason, ScaleReason::kNone);
}

}  // namespace
}  // namespace so
