#include "services/scaler/policy/latency.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1767225600);
const FunctionSpec kSpec;

// Waits for most of its two seconds.
FunctionLoad Queueing() {
  return {.queue_depth = 3,
          .average_response = absl::Seconds(2),
          .busy = 4,
          .calls = 10,
          .average_run = absl::Milliseconds(200)};
}

TEST(LatencyScalingTest, WaitingGetsAStep) {
  const Proposal proposal = LatencyScaling().Propose(Queueing(), kSpec, kNow);
  EXPECT_EQ(proposal.policy, "latency");
  EXPECT_EQ(proposal.wanted, 5);
  EXPECT_THAT(proposal.formula, HasSubstr("1.8s of it waiting"));
}

TEST(LatencyScalingTest, StepIsAQuarterOfWhatThereIs) {
  FunctionLoad load = Queueing();
  load.busy = 9;
  EXPECT_EQ(LatencyScaling().Propose(load, kSpec, kNow).wanted, 12);
}

TEST(LatencyScalingTest, RefusedCallsGetAStep) {
  const FunctionLoad load = {.busy = 4, .error_rate = 0.06};
  const Proposal proposal = LatencyScaling().Propose(load, kSpec, kNow);
  EXPECT_EQ(proposal.wanted, 5);
  EXPECT_THAT(proposal.formula, HasSubstr("6.0% refused, above 5.0%"));
  EXPECT_EQ(LatencyScaling()
                .Propose({.busy = 4, .error_rate = 0.05}, kSpec, kNow)
                .wanted,
            0);
}

TEST(LatencyScalingTest, SlowFunctionGetsNothing) {
  FunctionLoad load = Queueing();
  load.average_run = absl::Milliseconds(1200);
  const Proposal proposal = LatencyScaling().Propose(load, kSpec, kNow);
  EXPECT_EQ(proposal.wanted, 0);
  EXPECT_THAT(proposal.formula, HasSubstr("the function itself runs for 1.2s"));
}

TEST(LatencyScalingTest, FailingFunctionGetsNothing) {
  FunctionLoad load = {.busy = 4, .error_rate = 0.0, .failure_rate = 1};
  const Proposal proposal = LatencyScaling().Propose(load, kSpec, kNow);
  EXPECT_EQ(proposal.wanted, 0);
  EXPECT_THAT(proposal.formula, HasSubstr("fails 100.0% of its calls"));
}

TEST(LatencyScalingTest, NoCallWaitsOrFastEnoughGetsNothing) {
  FunctionLoad load = Queueing();
  load.queue_depth = 0;
  EXPECT_EQ(LatencyScaling().Propose(load, kSpec, kNow).wanted, 0);
  load = Queueing();
  load.average_response = absl::Seconds(1);
  EXPECT_EQ(LatencyScaling().Propose(load, kSpec, kNow).wanted, 0);
}

TEST(LatencyScalingTest, UnknownRunTimeGetsNothing) {
  FunctionLoad load = Queueing();
  load.calls = 0;
  load.average_run = absl::ZeroDuration();
  const Proposal proposal = LatencyScaling().Propose(load, kSpec, kNow);
  EXPECT_EQ(proposal.wanted, 0);
  EXPECT_THAT(proposal.formula, HasSubstr("is not known"));
}

TEST(LatencyScalingTest, OneStepACooldown) {
  LatencyScaling policy;
  FunctionLoad load = Queueing();
  EXPECT_EQ(policy.Propose(load, kSpec, kNow).wanted, 5);
  load.busy = 5;
  EXPECT_EQ(policy.Propose(load, kSpec, kNow + absl::Seconds(2)).wanted, 5);
  EXPECT_EQ(policy.Propose(load, kSpec, kNow + absl::Seconds(10)).wanted, 7);
}

TEST(LatencyScalingTest, ReasonThatComesAndGoesDoesNotAddEachTime) {
  LatencyScaling policy;
  FunctionLoad load = Queueing();
  EXPECT_EQ(policy.Propose(load, kSpec, kNow).wanted, 5);
  EXPECT_EQ(policy.Propose({.warm = 5}, kSpec, kNow + absl::Seconds(2)).wanted,
            0);
  load.busy = 5;
  EXPECT_EQ(policy.Propose(load, kSpec, kNow + absl::Seconds(4)).wanted, 5);
}

TEST(LatencyScalingTest, MaxInstancesHolds) {
  EXPECT_EQ(
      LatencyScaling().Propose(Queueing(), {.max_instances = 4}, kNow).wanted,
      4);
}

}  // namespace
}  // namespace so
