// What is started and kept ahead of calls.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/testing/status_matchers.h"
#include "services/pool/instance_pool.h"
#include "services/pool/testing/pool_fixture.h"

namespace so {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace pb = serverless::pool::v1;

class PoolWarmingTest : public testing::Test {
 protected:
  explicit PoolWarmingTest(InstancePool::Options options = {})
      : f(std::move(options)) {
    target.set_function_id("fn-hello");
    target.set_ttl(600000);
  }

  absl::StatusOr<pb::SetTargetResponse> SetTarget(int desired) {
    target.set_desired(desired);
    return f.pool->SetTarget(target);
  }
  // All that are starting become warm, and those whose turn comes with it.
  void BecomeReady() {
    for (size_t i = 0; i < f.sandbox.started(); ++i) {
      FakeProcess* process = f.sandbox.at(i);
      if (process != nullptr && StateOf(process->spec) == "warming") {
        process->BecomeReady();
      }
    }
  }
  std::string StateOf(const SandboxSpec& spec) {
    std::string state;
    f.pool->ListInstances("fn-hello", [&](auto response) {
      for (const auto& instance : response->instances()) {
        if (instance.id() == spec.instance_id) state = instance.state();
      }
    });
    return state;
  }
  // Runs a call on an instance that is warm.
  void Call(const std::string& instance_id, FakeProcess& process) {
    f.Dispatch(instance_id);
    process.Say(FrameType::kStarted);
    process.Answer("1");
  }

  PoolFixture f;
  pb::SetTargetRequest target;
};

TEST_F(PoolWarmingTest, TargetsAreCheckedFieldByField) {
  f.Put(PoolFixture::MakeFunction("hello"));
  target.set_idle_timeout(-1);
  EXPECT_THAT(SetTarget(1).status().message(), HasSubstr("idle_timeout"));
  target.set_idle_timeout(86400001);
  EXPECT_THAT(SetTarget(1), HasErrorCode("INVALID_ARGUMENT"));
  target.set_idle_timeout(86400000);
  target.set_reason(std::string(65, 'x'));
  EXPECT_THAT(SetTarget(1).status().message(), HasSubstr("reason"));
  target.set_reason(std::string(64, 'x'));
  SO_EXPECT_OK(SetTarget(1));
}

TEST_F(PoolWarmingTest, AStartSaysWhatTheScalerWants) {
  f.Put(PoolFixture::MakeFunction("hello"));
  target.set_reason("concurrency");
  SO_ASSERT_OK(SetTarget(2));
  EXPECT_EQ(f.all_events().at(1).reason(), "target");
  EXPECT_EQ(f.all_events().at(1).detail(),
            "the scaler wants 2 (concurrency); 1 there before");
  EXPECT_EQ(f.ReasonOf("inst-000002"), "target");
}

TEST_F(PoolWarmingTest, WhatIsAboveATargetGoesAtOnceWhenItsTimeIsOver) {
  f.Put(PoolFixture::MakeFunction("hello"));
  SO_ASSERT_OK(SetTarget(3));
  BecomeReady();
  target.set_idle_timeout(4000);
  target.set_reason("concurrency");
  SO_ASSERT_OK(SetTarget(1));
  const int64_t before = f.all_events().back().sequence();
  f.clock.Advance(absl::Seconds(4));
  EXPECT_THAT(f.Events(before), IsEmpty());
  f.clock.Advance(absl::Milliseconds(1));
  EXPECT_THAT(f.Events(before), ElementsAre("retire inst-000001 idle",
                                            "retire inst-000002 idle"));
  EXPECT_EQ(f.all_events().back().detail(),
            "idle for 4 s, limit 4 s; 1 instance stays, the scaler wants 1 "
            "(concurrency)");
  // Routers have heard of it before it ends.
  EXPECT_EQ(f.link.messages.back().instance().state(),
            pb::INSTANCE_STATE_TERMINATING);
  f.LetDie();
  f.clock.Advance(absl::Minutes(5));
  EXPECT_EQ(f.Count("hello", "warm"), 1);
}

TEST_F(PoolWarmingTest, OneThatRunsACallStaysAndItsTimeBeginsAnew) {
  f.Put(PoolFixture::MakeFunction("hello"));
  FakeProcess& process = f.WarmOne("hello");
  target.set_idle_timeout(4000);
  SO_ASSERT_OK(SetTarget(0));
  f.clock.Advance(absl::Seconds(3));
  f.Dispatch("inst-000001", "req-1", 60000);
  process.Say(FrameType::kStarted);
  f.clock.Advance(absl::Seconds(20));
  EXPECT_EQ(f.Count("hello", "busy"), 1);
  process.Answer("1");
  f.clock.Advance(absl::Seconds(4));
  EXPECT_EQ(f.Count("hello", "warm"), 1);
  f.clock.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(process.terminated);
}

TEST_F(PoolWarmingTest, InstancesFallDueOneAfterTheOther) {
  f.Put(PoolFixture::MakeFunction("hello"));
  target.set_idle_timeout(10000);
  SO_ASSERT_OK(SetTarget(0));
  for (int i = 0; i < 3; ++i) {
    f.WarmOne("hello");
    f.clock.Advance(absl::Seconds(3));
  }
  EXPECT_EQ(f.Count("hello", "warm"), 3);
  for (const int left : {2, 1, 0}) {
    f.clock.Advance(absl::Seconds(left == 2 ? 1 : 3) + absl::Milliseconds(2));
    EXPECT_EQ(f.Count("hello", "warm"), left);
  }
}

TEST_F(PoolWarmingTest, AFunctionsOwnIdleTimeoutWins) {
  auto function = PoolFixture::MakeFunction("hello");
  function.set_idle_timeout(300000);
  f.Put(function);
  f.WarmOne("hello");
  target.set_idle_timeout(1000);
  SO_ASSERT_OK(SetTarget(0));
  f.clock.Advance(absl::Minutes(4));
  EXPECT_EQ(f.Count("hello", "warm"), 1);
}

TEST_F(PoolWarmingTest, MinInstancesStayWhateverTheTarget) {
  auto function = PoolFixture::MakeFunction("hello");
  function.set_min_instances(2);
  f.Put(function);
  BecomeReady();
  target.set_idle_timeout(1);
  SO_ASSERT_OK(SetTarget(0));
  f.clock.Advance(absl::Minutes(4));
  EXPECT_EQ(f.Count("hello", "warm"), 2);
}

TEST_F(PoolWarmingTest, WithoutAScalerThePoolsOwnTimeHolds) {
  f.Put(PoolFixture::MakeFunction("hello"));
  f.WarmOne("hello");
  target.set_idle_timeout(20000);
  target.set_ttl(10000);
  SO_ASSERT_OK(SetTarget(0));
  f.clock.Advance(absl::Seconds(59));
  EXPECT_EQ(f.Count("hello", "warm"), 1);
  f.clock.Advance(absl::Seconds(31));
  EXPECT_EQ(f.Count("hello", "warm"), 0);
}

// ---- deploys

serverless::function::v1::Function Deployed(int version) {
  auto function = PoolFixture::MakeFunction("hello", version);
  function.mutable_scaling()->set_warm_on_deploy(true);
  return function;
}

TEST_F(PoolWarmingTest, WhatThereWasBeforeThePoolIsNotWarmed) {
  f.Put(Deployed(1));
  f.pool->OnDirectorySynced();
  EXPECT_EQ(f.sandbox.started(), 0u);
  // Nor when it is told again, or changed otherwise.
  f.Put(Deployed(1));
  auto described = Deployed(1);
  described.set_description("new");
  f.Put(described);
  f.pool->OnDirectorySynced();
  EXPECT_EQ(f.sandbox.started(), 0u);
  f.Put(Deployed(2));
  EXPECT_EQ(f.sandbox.started(), 1u);
}

TEST_F(PoolWarmingTest, ADeployIsWarmed) {
  f.pool->OnDirectorySynced();
  f.Put(Deployed(1));
  EXPECT_EQ(f.ReasonOf("inst-000001"), "warm-up");
  EXPECT_EQ(f.all_events().at(0).detail(), "version 1 was deployed");
  f.sandbox.last().BecomeReady();
  f.Put(Deployed(2));
  EXPECT_EQ(f.sandbox.started(), 2u);
  f.sandbox.last().BecomeReady();
  f.LetDie();
  EXPECT_EQ(f.Count("hello", "warm"), 1);
}

TEST_F(PoolWarmingTest, ADeployIsWarmedWhenItsCodeIsBuilt) {
  f.pool->OnDirectorySynced();
  auto function = Deployed(1);
  function.set_state("building");
  f.Put(function);
  EXPECT_EQ(f.sandbox.started(), 0u);
  function.set_state("active");
  f.Put(function);
  EXPECT_EQ(f.sandbox.started(), 1u);
}

TEST_F(PoolWarmingTest, ADeployThatHasAnInstanceAnywayNeedsNoOther) {
  f.pool->OnDirectorySynced();
  auto function = Deployed(1);
  function.set_min_instances(1);
  f.Put(function);
  EXPECT_EQ(f.sandbox.started(), 1u);
  EXPECT_EQ(f.ReasonOf("inst-000001"), "min-instances");
}

TEST_F(PoolWarmingTest, OnlyWhoWantsItIsWarmedOnDeploy) {
  f.pool->OnDirectorySynced();
  f.Put(PoolFixture::MakeFunction("hello", 1));
  f.Put(PoolFixture::MakeFunction("hello", 2));
  EXPECT_EQ(f.sandbox.started(), 0u);
}

// ---- age

TEST_F(PoolWarmingTest, AgeAloneNeverMakesACallWait) {
  auto function = PoolFixture::MakeFunction("hello");
  function.set_idle_timeout(86400000);
  f.Put(function);
  f.WarmOne("hello");
  // A call each second for half an hour, on whatever is warm: there always is
  // something.
  size_t calls = 0;
  for (int second = 0; second < 1800; ++second) {
    BecomeReady();
    FakeProcess* process = nullptr;
    for (size_t i = 0; i < f.sandbox.started() && process == nullptr; ++i) {
      FakeProcess* one = f.sandbox.at(i);
      if (one != nullptr && StateOf(one->spec) == "warm") process = one;
    }
    ASSERT_NE(process, nullptr) << "in second " << second;
    Call(process->spec.instance_id, *process);
    ASSERT_TRUE(f.link.messages.back().has_result());
    ++calls;
    f.LetDie();
    f.clock.Advance(absl::Seconds(1));
  }
  EXPECT_EQ(f.link.Of(&pb::AttachResponse::has_result).size(), calls);
  // One each 330 s: as old as may be, and a search every 30 s.
  EXPECT_EQ(f.sandbox.started(), 6u);
  EXPECT_THAT(f.Events(), Contains("retire inst-000005 age"));
}

TEST_F(PoolWarmingTest, AnOldOneStaysUntilItsSuccessorIsWarm) {
  auto function = PoolFixture::MakeFunction("hello");
  function.set_idle_timeout(86400000);
  f.Put(function);
  FakeProcess& old = f.WarmOne("hello");
  f.clock.Advance(absl::Seconds(330));
  f.sandbox.last().Exit({.exit_code = 1});  // The successor fails.
  EXPECT_FALSE(old.terminated);
  f.clock.Advance(absl::Seconds(30));
  ASSERT_EQ(f.sandbox.started(), 3u);
  EXPECT_FALSE(old.terminated);
  f.sandbox.last().BecomeReady();
  EXPECT_TRUE(old.terminated);
}

// ---- waste

TEST_F(PoolWarmingTest, TargetsThatNobodyUsesAreNoLongerStarted) {
  f.Put(PoolFixture::MakeFunction("hello"));
  target.set_idle_timeout(1000);
  for (int round = 0; round < 4; ++round) {
    SO_ASSERT_OK(SetTarget(5));
    BecomeReady();
    SO_ASSERT_OK(SetTarget(0));
    f.clock.Advance(absl::Seconds(2));
    f.LetDie();
  }
  EXPECT_EQ(f.sandbox.started(), 20u);
  EXPECT_EQ(SetTarget(5)->starting(), 0);
  // A call is served, and who asks for it is heard.
  f.StartInstance("hello");
  EXPECT_EQ(f.sandbox.started(), 21u);
  pb::WarmRequest warm;
  warm.set_function("hello");
  f.pool->Warm(warm, [](auto) {});
  EXPECT_EQ(f.sandbox.started(), 22u);
  target.set_reason("windows");
  EXPECT_EQ(SetTarget(5)->starting(), 3);
  target.set_reason("");
  BecomeReady();
  f.clock.Advance(absl::Minutes(5));
  EXPECT_GT(SetTarget(10)->starting(), 0);
}

// ---- calls first

class BusyPoolWarmingTest : public PoolWarmingTest {
 protected:
  BusyPoolWarmingTest() : PoolWarmingTest({.max_concurrent_starts = 4}) {}
};

TEST_F(BusyPoolWarmingTest, WarmingTakesHalfOfTheStartsAndNoneFromCalls) {
  f.Put(PoolFixture::MakeFunction("hello"));
  f.Put(PoolFixture::MakeFunction("other"));
  SO_ASSERT_OK(SetTarget(10));
  EXPECT_EQ(f.sandbox.started(), 2u);
  EXPECT_TRUE(f.sandbox.last().spec.ahead_of_demand);
  for (int i = 0; i < 4; ++i) {
    f.StartInstance("other", absl::StrCat("s-", i));
    EXPECT_EQ(f.sandbox.started(), 3u + i);
    EXPECT_FALSE(f.sandbox.last().spec.ahead_of_demand);
  }
  f.StartInstance("other", "s-5");
  EXPECT_EQ(f.sandbox.started(), 6u);
  // Not before the calls' starts are fewer than what there may be at a time.
  f.sandbox.at(0)->BecomeReady();
  EXPECT_EQ(f.sandbox.started(), 6u);
  f.sandbox.at(2)->BecomeReady();
  EXPECT_EQ(f.sandbox.started(), 7u);
  EXPECT_FALSE(f.sandbox.last().spec.ahead_of_demand);
}

TEST_F(BusyPoolWarmingTest, ACallTakesOverAStartThatIsQueued) {
  auto function = PoolFixture::MakeFunction("hello");
  function.set_max_instances(5);
  f.Put(function);
  SO_ASSERT_OK(SetTarget(5));
  EXPECT_EQ(f.sandbox.started(), 2u);
  f.StartInstance("hello", "s-1");
  EXPECT_EQ(f.sandbox.started(), 3u);
  EXPECT_FALSE(f.sandbox.last().spec.ahead_of_demand);
  f.sandbox.last().BecomeReady();
  const auto warm = f.link.messages.back().instance();
  EXPECT_EQ(warm.state(), pb::INSTANCE_STATE_WARM);
  EXPECT_EQ(warm.start_id(), "s-1");
  EXPECT_TRUE(f.link.Of(&pb::AttachResponse::has_start_failed).empty());
}

class NarrowPoolWarmingTest : public PoolWarmingTest {
 protected:
  NarrowPoolWarmingTest() : PoolWarmingTest({.max_concurrent_starts = 1}) {}
};

TEST_F(NarrowPoolWarmingTest, ACallNeedNotWaitForTheOnlyStart) {
  f.Put(PoolFixture::MakeFunction("hello"));
  f.Put(PoolFixture::MakeFunction("other"));
  SO_ASSERT_OK(SetTarget(2));
  EXPECT_EQ(f.sandbox.started(), 1u);
  f.StartInstance("other");
  EXPECT_EQ(f.sandbox.started(), 2u);
}

}  // namespace
}  // namespace so
