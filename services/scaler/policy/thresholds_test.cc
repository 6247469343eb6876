#include "services/scaler/policy/thresholds.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1767225600);

struct Case {
  std::string name;
  FunctionLoad load;
  // "none": nothing is wanted.
  std::string reason;
  // Instances added; below 0 where a bound is below what there is.
  int added;
};

void PrintTo(const Case& c, std::ostream* os) { *os << c.name; }

class ThresholdScalingTest : public testing::TestWithParam<Case> {};

Proposal Propose(const FunctionLoad& load,
                 const ThresholdScaling::Options& options = {}) {
  FunctionSpec spec;
  if (load.max_instances > 0) spec.max_instances = load.max_instances;
  return ThresholdScaling(options).Propose(load, spec, kNow);
}

TEST_P(ThresholdScalingTest, Proposes) {
  const Case& c = GetParam();
  const Proposal proposal = Propose(c.load);
  EXPECT_EQ(proposal.policy, "thresholds");
  EXPECT_FALSE(proposal.idle_timeout.has_value());
  if (c.reason == "none") {
    EXPECT_EQ(proposal.wanted, 0);
    EXPECT_THAT(proposal.formula, HasSubstr("within the thresholds; 0"));
  } else {
    EXPECT_EQ(proposal.wanted - c.load.current(), c.added);
    EXPECT_THAT(proposal.formula, HasSubstr(c.reason));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, ThresholdScalingTest,
    testing::ValuesIn(std::vector<Case>{
        {"Idle", {.warm = 3}, "none", 0},
        {"UnknownAndUnused", {}, "none", 0},
        {"RefusedButNothingThere", {.error_rate = 1.0}, "none", 0},

        {"QueueAtTheThreshold",
         {.queue_depth = 10, .warm = 2, .busy = 1},
         "none",
         0},
        {"QueueAboveTheThreshold",
         {.queue_depth = 11, .warm = 2, .busy = 1},
         "queue-depth",
         2},
        {"QueueOfTwiceTheThreshold",
         {.queue_depth = 20, .warm = 2, .busy = 1},
         "queue-depth",
         2},
        {"LongQueueIsBoundedByTheStep",
         {.queue_depth = 1000, .warm = 0, .busy = 4},
         "queue-depth",
         3},
        {"QueueWithoutInstances", {.queue_depth = 11}, "queue-depth", 2},
        {"QueueWhileInstancesAreWarming",
         {.queue_depth = 15, .warm = 2, .busy = 1, .warming = 1},
         "queue-depth",
         1},
        {"QueueWhileEnoughAreWarming",
         {.queue_depth = 15, .warm = 2, .busy = 1, .warming = 2},
         "queue-depth",
         0},

        {"BusyWithoutSpare", {.warm = 0, .busy = 1}, "low-warm", 2},
        {"BusyWithOneSpare", {.warm = 1, .busy = 5}, "low-warm", 1},
        {"BusyWithTwoSpare", {.warm = 2, .busy = 5}, "none", 0},
        {"BusyWithASpareWarming",
         {.warm = 0, .busy = 5, .warming = 2},
         "low-warm",
         0},
        {"OneWarmAndIdle", {.warm = 1}, "none", 0},

        {"SlowWhileCallsWait",
         {.queue_depth = 1,
          .average_response = absl::Milliseconds(1001),
          .warm = 2,
          .busy = 1},
         "response-time",
         1},
        {"SlowAtTheThreshold",
         {.queue_depth = 1,
          .average_response = absl::Seconds(1),
          .warm = 2,
          .busy = 1},
         "none",
         0},
        {"SlowByItselfWithNothingWaiting",
         {.average_response = absl::Minutes(1), .warm = 2, .busy = 1},
         "none",
         0},

        {"RefusedCalls",
         {.warm = 2, .busy = 8, .error_rate = 0.06},
         "error-rate",
         3},
        {"RefusedCallsAtTheThreshold",
         {.warm = 2, .busy = 8, .error_rate = 0.05},
         "none",
         0},
        {"NoRefusalKnown", {.warm = 2, .busy = 8}, "none", 0},

        {"StrongestReasonWins",
         {.queue_depth = 25,
          .average_response = absl::Minutes(1),
          .warm = 0,
          .busy = 1},
         "queue-depth",
         3},
        {"FirstOfEqualReasonsWins",
         {.queue_depth = 30, .busy = 1, .error_rate = 1.0},
         "queue-depth",
         3},

        {"BoundedByMaxInstances",
         {.queue_depth = 100, .busy = 4, .max_instances = 5},
         "queue-depth",
         1},
        {"AtMaxInstances",
         {.queue_depth = 100, .busy = 5, .max_instances = 5},
         "queue-depth",
         0},
        {"AboveMaxInstancesTheBoundIsWanted",
         {.queue_depth = 100, .busy = 7, .max_instances = 5},
         "queue-depth",
         -2},
    }),
    [](const auto& test) { return test.param.name; });

TEST(ThresholdScalingZeroTest, QueueThresholdOfZeroMeansEveryWaitingCall) {
  const FunctionLoad load = {.queue_depth = 2, .warm = 2, .busy = 1};
  EXPECT_EQ(Propose(load, {.queue_depth = 0, .max_step = 10}).wanted, 5);
}

TEST(ThresholdScalingZeroTest, MinWarmOfZeroSwitchesTheRuleOff) {
  EXPECT_EQ(Propose({.busy = 1}, {.min_warm = 0}).wanted, 0);
}

TEST(ThresholdScalingTimeTest, DecidesOnceAnIntervalAndRepeatsInBetween) {
  ThresholdScaling policy;
  const FunctionSpec spec;
  EXPECT_EQ(policy.Propose({.busy = 1}, spec, kNow).wanted, 3);
  const FunctionLoad busier = {.warm = 0, .busy = 5};
  const Proposal repeated =
      policy.Propose(busier, spec, kNow + absl::Milliseconds(4700));
  EXPECT_EQ(repeated.wanted, 3);
  EXPECT_THAT(repeated.formula, HasSubstr("1 + 2"));
  EXPECT_EQ(policy.Propose(busier, spec, kNow + absl::Seconds(5)).wanted, 7);
  // The interval begins anew, to a twentieth.
  EXPECT_EQ(policy.Propose({}, spec, kNow + absl::Seconds(9)).wanted, 7);
  EXPECT_EQ(policy.Propose({}, spec, kNow + absl::Milliseconds(9990)).wanted,
            0);
}

TEST(ThresholdScalingTimeTest, FloorEndsWithItsReason) {
  ThresholdScaling policy;
  const FunctionSpec spec;
  EXPECT_EQ(policy.Propose({.busy = 1}, spec, kNow).wanted, 3);
  const FunctionLoad spare = {.warm = 2, .busy = 1};
  EXPECT_EQ(policy.Propose(spare, spec, kNow + absl::Seconds(5)).wanted, 0);
}

}  // namespace
}  // namespace so
