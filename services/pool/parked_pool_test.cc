#include "services/pool/parked_pool.h"

#include <memory>
#include <optional>
#include <vector>

#include "base/testing/manual_clock.h"
#include "base/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/pool/testing/fake_launcher.h"

namespace so {
namespace {

using ::testing::ElementsAre;

namespace pb = serverless::pool::v1;

class ParkedPoolTest : public ::testing::Test {
 protected:
  explicit ParkedPoolTest(ParkedPool::Options options = {})
      : pool_(std::make_unique<ParkedPool>(options, launcher_, clock_, clock_,
                                           steps_)) {}

  // Makes what is asked for until nothing is.
  void MakeAll() {
    while (!launcher_.requests.empty()) launcher_.Make();
  }
  ParkedPool::TakeId Take(const std::string& runtime = "node") {
    return TakeInto(taken_, runtime, /*ahead_of_demand=*/false);
  }
  ParkedPool::TakeId TakeAhead() {
    return TakeInto(taken_ahead_, "node", /*ahead_of_demand=*/true);
  }
  ParkedPool::TakeId TakeInto(std::vector<uint64_t>& taken,
                              const std::string& runtime,
                              bool ahead_of_demand) {
    return pool_->Take(
        runtime,
        [this, &taken](absl::StatusOr<ParkedSandbox> sandbox) {
          if (sandbox.ok()) {
            taken.push_back(sandbox->id);
          } else {
            failures_.push_back(std::string(sandbox.status().message()));
          }
        },
        ahead_of_demand);
  }
  pb::RuntimeStock Stock() {
    pb::Isolation isolation;
    pool_->AddTo(isolation);
    return isolation.runtimes(0);
  }

  ManualClock clock_;
  FakeLauncher launcher_;
  StartSteps steps_;
  std::unique_ptr<ParkedPool> pool_;
  std::vector<uint64_t> taken_;
  std::vector<uint64_t> taken_ahead_;
  std::vector<std::string> failures_;
};

TEST_F(ParkedPoolTest, FillsUpOnceARuntimeIsReadyAFewAtATime) {
  EXPECT_TRUE(launcher_.requests.empty());
  launcher_.BecomeReady({"node", "python"});
  EXPECT_EQ(launcher_.requests.size(), 2u);
  MakeAll();
  EXPECT_EQ(launcher_.sandboxes.size(), 4u);
  EXPECT_EQ(Stock().parked(), 2);
  EXPECT_EQ(Stock().target(), 2);
}

TEST_F(ParkedPoolTest, GivesTheOldestAtOnceAndReplacesItAMomentLater) {
  launcher_.BecomeReady();
  MakeAll();
  EXPECT_EQ(Take(), 0u);
  EXPECT_THAT(taken_, ElementsAre(1));
  EXPECT_TRUE(launcher_.requests.empty());
  clock_.Advance(absl::Milliseconds(10));
  EXPECT_EQ(launcher_.requests.size(), 1u);
}

TEST_F(ParkedPoolTest, MakesOneForWhoFindsNoneBeforeAllElse) {
  launcher_.BecomeReady();
  Take();
  Take();
  Take();
  // Two are being made ahead of demand already; they go to who waits.
  EXPECT_EQ(launcher_.requests.size(), 3u);
  MakeAll();
  EXPECT_THAT(taken_, ElementsAre(1, 2, 3));
}

TEST_F(ParkedPoolTest, TheLastOneIsForDemand) {
  launcher_.BecomeReady();
  MakeAll();
  EXPECT_EQ(TakeAhead(), 0u);
  EXPECT_NE(TakeAhead(), 0u);  // One of two is left, and not for it.
  EXPECT_EQ(Take(), 0u);
  EXPECT_THAT(taken_ahead_, ElementsAre(1));
  EXPECT_THAT(taken_, ElementsAre(2));
  // Its own is made.
  EXPECT_EQ(launcher_.requests.size(), 1u);
  launcher_.Make();
  EXPECT_THAT(taken_ahead_, ElementsAre(1, 3));
}

TEST_F(ParkedPoolTest, WhatIsMadeGoesToDemandFirst) {
  launcher_.BecomeReady();
  TakeAhead();
  TakeAhead();
  Take();
  Take();
  launcher_.Make();
  launcher_.Make();
  EXPECT_THAT(taken_, ElementsAre(1, 2));
  EXPECT_TRUE(taken_ahead_.empty());
  MakeAll();
  EXPECT_THAT(taken_ahead_, ElementsAre(3, 4));
}

TEST_F(ParkedPoolTest, WhoHasGoneGetsNone) {
  launcher_.BecomeReady();
  const ParkedPool::TakeId first = Take();
  Take();
  pool_->Cancel(first);
  launcher_.Make();
  EXPECT_EQ(taken_.size(), 1u);
  launcher_.Make();
  EXPECT_EQ(taken_.size(), 1u);
  EXPECT_EQ(Stock().parked(), 1);
}

TEST_F(ParkedPoolTest, TakersWaitForTheLauncherAndSurviveItsLoss) {
  Take();
  EXPECT_TRUE(launcher_.requests.empty());
  launcher_.BecomeReady();
  EXPECT_FALSE(launcher_.requests.empty());
  launcher_.BecomeLost();
  EXPECT_TRUE(failures_.empty());
  launcher_.BecomeReady();
  launcher_.Make();
  EXPECT_EQ(taken_.size(), 1u);
}

TEST_F(ParkedPoolTest, WhatWasParkedIsLostWithTheLauncher) {
  launcher_.BecomeReady();
  MakeAll();
  launcher_.BecomeLost();
  launcher_.BecomeReady();
  EXPECT_EQ(Stock().parked(), 0);
  EXPECT_EQ(launcher_.requests.size(), 2u);
}

TEST_F(ParkedPoolTest, SaysWhyARuntimeCannotBeUsed) {
  LauncherState state{.problem = ""};
  state.runtimes["node"].problem = "node is not installed";
  launcher_.Become(state);
  Take();
  EXPECT_TRUE(failures_.empty());  // Not inside Take.
  clock_.Advance(absl::ZeroDuration());
  EXPECT_THAT(failures_, ElementsAre("node is not installed"));
}

TEST_F(ParkedPoolTest, AFailureIsReportedToOneAndRetriedAfterAPause) {
  launcher_.BecomeReady();
  Take();
  launcher_.Refuse("no cgroup");
  launcher_.Refuse("no cgroup");
  EXPECT_THAT(failures_, ElementsAre("no cgroup"));
  clock_.Advance(absl::Milliseconds(50));
  EXPECT_TRUE(launcher_.requests.empty());
  clock_.Advance(absl::Seconds(1));
  EXPECT_FALSE(launcher_.requests.empty());
}

TEST_F(ParkedPoolTest, AParkedOneThatDiesIsReplaced) {
  launcher_.BecomeReady();
  MakeAll();
  launcher_.End(1);
  EXPECT_EQ(Stock().parked(), 1);
  clock_.Advance(absl::Seconds(1));
  MakeAll();
  EXPECT_EQ(Stock().parked(), 2);
}

TEST_F(ParkedPoolTest, ManyStartsMakeALargerStockThatShrinksAgain) {
  launcher_.BecomeReady();
  for (int i = 0; i < 200; ++i) {
    Take();
    clock_.Advance(absl::Milliseconds(50));
    MakeAll();
  }
  EXPECT_GT(Stock().parked(), 5);
  EXPECT_EQ(Stock().parked(), Stock().target());
  clock_.Advance(absl::Minutes(5));
  EXPECT_EQ(Stock().parked(), 2);
}

TEST_F(ParkedPoolTest, OldOnesAreReplaced) {
  launcher_.BecomeReady();
  MakeAll();
  clock_.Advance(absl::Minutes(10) + absl::Seconds(10));
  MakeAll();
  EXPECT_TRUE(launcher_.sandboxes.at(1).abandoned);
  EXPECT_EQ(Stock().parked(), 2);
}

TEST_F(ParkedPoolTest, CountsTheStepsOfEachRuntime) {
  launcher_.BecomeReady();
  launcher_.Make(absl::Microseconds(300));
  pb::GetMetricsResponse metrics;
  steps_.AddTo(metrics);
  // All but the activation, which has not happened.
  ASSERT_EQ(metrics.start_steps_size(), 6);
  EXPECT_EQ(metrics.start_steps(0).runtime(), "node");
  EXPECT_EQ(metrics.start_steps(0).step(), "cgroup");
  EXPECT_EQ(metrics.start_steps(0).count(), 1);
  EXPECT_NEAR(metrics.start_steps(0).sum(), 0.0003, 1e-9);
}

TEST(ParkingTargetTest, GrowsWithTheRateWithinBounds) {
  ParkingDemand demand{
      .rate = 0, .park_time = absl::Milliseconds(5), .min = 2, .max = 32};
  EXPECT_EQ(ParkingTarget(demand), 2);
  demand.rate = 0.1;
  EXPECT_EQ(ParkingTarget(demand), 2);
  demand.rate = 10;
  const int some = ParkingTarget(demand);
  EXPECT_GT(some, 4);
  EXPECT_LT(some, 12);
  demand.park_time = absl::Seconds(1);
  EXPECT_GT(ParkingTarget(demand), some);
  demand.rate = 1000;
  EXPECT_EQ(ParkingTarget(demand), 32);
  demand.max = 0;
  EXPECT_EQ(ParkingTarget(demand), 0);
}

TEST(ArrivalRateTest, FollowsTheRateAndForgets) {
  ManualClock clock;
  ArrivalRate rate;
  EXPECT_EQ(rate.PerSecond(clock.Now()), 0);
  for (int i = 0; i < 600; ++i) {
    rate.Add(clock.Now());
    clock.Advance(absl::Milliseconds(100));
  }
  EXPECT_NEAR(rate.PerSecond(clock.Now()), 10, 1);
  clock.Advance(absl::Minutes(2));
  EXPECT_LT(rate.PerSecond(clock.Now()), 0.01);
}

}  // namespace
}  // namespace so
