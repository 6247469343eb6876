#include "services/scaler/policy/history_floor.h"

#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using testing::DoubleNear;
using testing::Each;
using testing::HasSubstr;
using testing::SizeIs;

// A Thursday at midnight.
const absl::Time kStart = absl::FromUnixSeconds(1767225600);
constexpr int kThursday = 3 * 24;
constexpr absl::Duration kWeek = absl::Hours(168);

class HistoryFloorTest : public testing::Test {
 protected:
  // An hour of readings every 30 s.
  Proposal Hour(absl::Time start, int busy, double calls = 10,
                int readings = 120) {
    Proposal proposal;
    for (int i = 0; i < readings; ++i) {
      proposal = policy_.Propose({.busy = busy, .calls = calls}, spec_,
                                 start + i * absl::Seconds(30));
    }
    return proposal;
  }
  Proposal At(absl::Time time) { return policy_.Propose({}, spec_, time); }

  FunctionSpec spec_;
  HistoryFloor policy_;
};

TEST_F(HistoryFloorTest, KeepsAShareOfTheHourAWeekBefore) {
  EXPECT_EQ(Hour(kStart, 8).wanted, 0);
  EXPECT_EQ(At(kStart + absl::Hours(1)).wanted, 0);
  const Proposal proposal = At(kStart + kWeek);
  EXPECT_EQ(proposal.policy, "history");
  EXPECT_EQ(proposal.wanted, 4);
  EXPECT_THAT(proposal.formula,
              HasSubstr("Thu 00:00 UTC: 0.50 of the busiest 8.00 = 4"));
}

TEST_F(HistoryFloorTest, PeakOfCallsNeedsInstances) {
  spec_.instance_concurrency = 10;
  policy_.Propose({.busy = 1, .calls = 100, .peak_concurrency = 41}, spec_,
                  kStart);
  EXPECT_EQ(policy_.Busiest()[kThursday], 5);
}

TEST_F(HistoryFloorTest, ForgetsOverWeeks) {
  Hour(kStart, 10);
  Hour(kStart + kWeek, 0);
  At(kStart + kWeek + absl::Hours(1));
  EXPECT_THAT(policy_.Busiest()[kThursday], DoubleNear(7, 1e-9));
  for (int week = 2; week < 12; ++week) Hour(kStart + week * kWeek, 0);
  EXPECT_EQ(At(kStart + 12 * kWeek).wanted, 0);
}

TEST_F(HistoryFloorTest, SeldomCalledIsNotKept) {
  Hour(kStart, 3, 0.4);
  EXPECT_EQ(At(kStart + kWeek).wanted, 0);
  EXPECT_THAT(policy_.Busiest(), Each(0));
}

TEST_F(HistoryFloorTest, HourSeenInPartForgetsNothing) {
  Hour(kStart, 10);
  Hour(kStart + kWeek, 1, 10, 40);
  EXPECT_EQ(At(kStart + 2 * kWeek).wanted, 5);
  // Nor does one that was not seen.
  EXPECT_EQ(At(kStart + 5 * kWeek).wanted, 5);
}

TEST_F(HistoryFloorTest, HourAtHandIsPartOfTheState) {
  Hour(kStart, 6, 10, 60);
  HistoryFloor restored;
  restored.Restore(policy_.Busiest());
  EXPECT_EQ(restored.Propose({}, spec_, kStart + kWeek).wanted, 3);
}

TEST_F(HistoryFloorTest, UnsoundStateIsNothing) {
  std::vector<double> state(HistoryFloor::kHours, 4);
  state[0] = -1;
  state[1] = std::numeric_limits<double>::quiet_NaN();
  state[2] = std::numeric_limits<double>::infinity();
  policy_.Restore(state);
  EXPECT_EQ(policy_.Busiest()[0], 0);
  EXPECT_EQ(policy_.Busiest()[1], 0);
  EXPECT_EQ(policy_.Busiest()[2], 0);
  EXPECT_EQ(policy_.Busiest()[3], 4);
  HistoryFloor other;
  other.Restore({1, 2, 3});
  EXPECT_THAT(other.Busiest(), SizeIs(HistoryFloor::kHours));
  EXPECT_THAT(other.Busiest(), Each(0));
}

TEST_F(HistoryFloorTest, MaxInstancesHolds) {
  policy_.Restore(std::vector<double>(HistoryFloor::kHours, 100));
  EXPECT_EQ(At(kStart).wanted, 20);
}

}  // namespace
}  // namespace so
