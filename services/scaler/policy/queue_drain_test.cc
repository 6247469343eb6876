#include "services/scaler/policy/queue_drain.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1767225600);

FunctionLoad Load(int waiting, absl::Duration run) {
  return {.queue_depth = waiting,
          .busy = 2,
          .calls = run > absl::ZeroDuration() ? 10.0 : 0.0,
          .average_run = run};
}

int Wanted(const FunctionLoad& load, const FunctionSpec& spec = {}) {
  return QueueDrain().Propose(load, spec, kNow).wanted;
}

TEST(QueueDrainTest, BacklogIsDoneWithinTheTargetWait) {
  // 12 calls of 50 ms in 100 ms.
  const Proposal proposal =
      QueueDrain().Propose(Load(12, absl::Milliseconds(50)), {}, kNow);
  EXPECT_EQ(proposal.policy, "drain");
  EXPECT_EQ(proposal.wanted, 8);
  EXPECT_THAT(proposal.formula,
              HasSubstr("2 busy + ceil(12 waiting * 50ms / (100ms * 1)) = 8"));
}

TEST(QueueDrainTest, LastDigitsDoNotRoundUp) {
  EXPECT_EQ(Wanted(Load(3, absl::Milliseconds(100))), 5);
  EXPECT_EQ(Wanted(Load(7, absl::Milliseconds(10))), 3);
}

TEST(QueueDrainTest, NeverMoreThanCallsWait) {
  EXPECT_EQ(Wanted(Load(4, absl::Seconds(60))), 6);
}

TEST(QueueDrainTest, WaitingCallWantsAnInstance) {
  EXPECT_EQ(Wanted(Load(1, absl::Microseconds(1))), 3);
}

TEST(QueueDrainTest, InstanceOfManyCallsDrainsFaster) {
  EXPECT_EQ(
      Wanted(Load(40, absl::Milliseconds(100)), {.instance_concurrency = 10}),
      6);
}

TEST(QueueDrainTest, FreeAndWarmingInstancesAreAmongThem) {
  FunctionLoad load = Load(4, absl::Milliseconds(100));
  load.warm = 1;
  load.warming = 3;
  EXPECT_EQ(Wanted(load), 6);
  EXPECT_EQ(load.current(), 6);
}

TEST(QueueDrainTest, UnknownRunTimeIsOneForEachToABound) {
  EXPECT_EQ(Wanted(Load(5, absl::ZeroDuration())), 7);
  EXPECT_EQ(Wanted(Load(500, absl::ZeroDuration())), 12);
  EXPECT_EQ(
      Wanted(Load(21, absl::ZeroDuration()), {.instance_concurrency = 10}), 5);
}

TEST(QueueDrainTest, RunTimeIsRemembered) {
  QueueDrain policy;
  policy.Propose(Load(0, absl::Milliseconds(10)), {}, kNow);
  EXPECT_EQ(policy.Propose(Load(50, absl::ZeroDuration()), {}, kNow).wanted, 7);
}

TEST(QueueDrainTest, NothingWithoutAQueue) {
  const Proposal proposal =
      QueueDrain().Propose(Load(0, absl::Seconds(1)), {}, kNow);
  EXPECT_EQ(proposal.wanted, 0);
  EXPECT_EQ(proposal.formula, "no call waits; 0");
}

TEST(QueueDrainTest, MaxInstancesHolds) {
  EXPECT_EQ(Wanted(Load(100, absl::Seconds(1)), {.max_instances = 5}), 5);
}

}  // namespace
}  // namespace so
