// What an instance goes through between its first and its last invocation.
#include <vector>

#include "base/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/pool/capacity.h"
#include "services/pool/testing/pool_fixture.h"

namespace so {
namespace {

namespace pb = serverless::pool::v1;

pb::Result LastResult(const PoolFixture& f) {
  return f.link.Of(&pb::AttachResponse::has_result).back().result();
}
pb::StartFailed LastFailure(const PoolFixture& f) {
  return f.link.Of(&pb::AttachResponse::has_start_failed).back().start_failed();
}

TEST(InstanceLifeTest, GetsTheLimitsOfItsFunctionAndRuntime) {
  PoolFixture f;
  auto function = PoolFixture::MakeFunction("hello");
  function.set_memory(32);
  function.set_network("egress");
  f.Put(function);
  f.StartInstance("hello");
  const SandboxSpec& spec = f.sandbox.last().spec;
  EXPECT_EQ(spec.runtime, "node");
  EXPECT_EQ(spec.code_dir, "/code");
  EXPECT_EQ(spec.memory, 64);  // The runtime needs that much.
  EXPECT_EQ(spec.max_pids, 32);
  EXPECT_EQ(spec.cpu_percent, 100);
  EXPECT_TRUE(spec.egress);
  EXPECT_THAT(f.sandbox.last().received.at(0).second,
              ::testing::HasSubstr(R"("codeDir":"/var/task")"));
}

TEST(InstanceLifeTest, MoreMemoryThanLambdaGivesAProcessorGetsMoreOfThem) {
  EXPECT_EQ(CpuPercent(128), 100);
  EXPECT_EQ(CpuPercent(1769), 100);
  EXPECT_EQ(CpuPercent(3538), 200);
}

TEST(InstanceLifeTest, FreezesWhenIdleAndThawsForACall) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  FakeProcess& process = f.WarmOne("hello");
  f.clock.Advance(absl::Milliseconds(49));
  EXPECT_FALSE(process.frozen);
  f.clock.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(process.frozen);
  f.Dispatch("inst-000001");
  EXPECT_FALSE(process.frozen);
  process.Say(FrameType::kStarted);
  f.clock.Advance(absl::Milliseconds(500));
  EXPECT_FALSE(process.frozen);
  process.Answer("1");
  f.clock.Advance(absl::Milliseconds(50));
  EXPECT_TRUE(process.frozen);
}

TEST(InstanceLifeTest, ABusyOneHasOnlyOneFreezeTimer) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  FakeProcess& process = f.WarmOne("hello");
  const size_t timers = f.clock.pending();
  for (int i = 0; i < 10; ++i) {
    f.Dispatch("inst-000001");
    process.Say(FrameType::kStarted);
    process.Answer("1");
    f.clock.Advance(absl::Milliseconds(10));
    EXPECT_FALSE(process.frozen);
    EXPECT_LE(f.clock.pending(), timers);
  }
  f.clock.Advance(absl::Milliseconds(40));
  EXPECT_TRUE(process.frozen);
}

TEST(InstanceLifeTest, OneThatLeavesProcessesBehindIsNotUsedAgain) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  FakeProcess& process = f.WarmOne("hello");
  f.Dispatch("inst-000001");
  process.Say(FrameType::kStarted);
  process.usage.processes = 2;
  process.Answer("1");
  EXPECT_EQ(LastResult(f).body(), "1");
  EXPECT_FALSE(LastResult(f).instance_free());
  EXPECT_TRUE(process.killed);
}

TEST(InstanceLifeTest, WhatRunsBesideTheHandlerFromTheStartIsNoLeftover) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  f.StartInstance("hello");
  FakeProcess& process = f.sandbox.last();
  process.usage.processes = 2;
  process.BecomeReady();
  f.Dispatch("inst-000001");
  process.Say(FrameType::kStarted);
  process.Answer("1");
  EXPECT_TRUE(LastResult(f).instance_free());
}

TEST(InstanceLifeTest, NamesTheLackOfMemory) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  FakeProcess& process = f.WarmOne("hello");
  f.Dispatch("inst-000001");
  process.Say(FrameType::kStarted);
  process.usage.memory = 128;
  process.Exit({.signal = 9, .out_of_memory = true});
  EXPECT_EQ(LastResult(f).error().code(), "FUNCTION_OOM");
  EXPECT_EQ(LastResult(f).error().message(),
            "hello used more than its 128 MB of memory");
  EXPECT_EQ(LastResult(f).error().executed(), "yes");
  EXPECT_EQ(LastResult(f).memory_used(), 128);

  f.StartInstance("hello", "s-2");
  f.sandbox.last().Hello();
  f.sandbox.last().Exit({.signal = 9, .out_of_memory = true});
  EXPECT_EQ(LastFailure(f).error().code(), "FUNCTION_OOM");
  EXPECT_EQ(LastFailure(f).error().executed(), "no");
}

TEST(InstanceLifeTest, CpuTimeIsWhatWasUsedSinceTheCallBefore) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  FakeProcess& process = f.WarmOne("hello");
  for (const int used : {7, 12}) {
    f.Dispatch("inst-000001");
    process.Say(FrameType::kStarted);
    process.usage.cpu += absl::Milliseconds(used);
    process.Answer("1");
    EXPECT_EQ(LastResult(f).cpu_time(), used);
  }
}

TEST(InstanceLifeTest, ALostSandboxIsNotTheFunctionsFault) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  FakeProcess& process = f.WarmOne("hello");
  f.Dispatch("inst-000001");
  process.Say(FrameType::kStarted);
  process.Exit({.lost = true});
  EXPECT_EQ(LastResult(f).error().code(), "INSTANCE_LOST");
  EXPECT_EQ(LastResult(f).error().executed(), "maybe");
  f.StartInstance("hello", "s-2");
  f.sandbox.last().Exit({.lost = true});
  EXPECT_EQ(LastFailure(f).error().code(), "UNAVAILABLE");
  EXPECT_TRUE(LastFailure(f).error().retryable());
}

TEST(InstanceLifeTest, AStartWithoutASandboxIsThePlatformsFault) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  f.StartInstance("hello");
  f.clock.Advance(absl::Seconds(10));
  EXPECT_EQ(LastFailure(f).error().code(), "UNAVAILABLE");
  EXPECT_TRUE(f.sandbox.last().killed);
}

TEST(InstanceLifeTest, StepsOfAStartEndWithTheLoadingOfTheCode) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  f.WarmOne("hello");
  pb::GetMetricsResponse metrics;
  f.steps.AddTo(metrics);
  ASSERT_EQ(metrics.start_steps_size(), 1);
  EXPECT_EQ(metrics.start_steps(0).step(), "init");
}

// Starts fail in the code of the function this many times.
void FailToLoad(PoolFixture& f, int times) {
  for (int i = 0; i < times; ++i) {
    f.StartInstance("hello", "s");
    f.sandbox.last().Hello();
    f.sandbox.last().Exit({.exit_code = 4});
  }
}

TEST(FailFastTest, AfterThreeCrashesStartsFailAtOnceButForProbes) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  FailToLoad(f, 3);
  EXPECT_EQ(f.sandbox.started(), 3u);
  f.StartInstance("hello", "s-4");
  EXPECT_EQ(f.sandbox.started(), 3u);
  EXPECT_EQ(LastFailure(f).start_id(), "s-4");
  EXPECT_EQ(LastFailure(f).error().code(), "FUNCTION_INIT_FAILED");
  EXPECT_THAT(LastFailure(f).error().message(),
              ::testing::HasSubstr("exited with code 4"));

  f.clock.Advance(absl::Seconds(10));
  f.StartInstance("hello", "s-5");
  f.StartInstance("hello", "s-6");
  EXPECT_EQ(f.sandbox.started(), 4u);
  EXPECT_EQ(LastFailure(f).start_id(), "s-6");
  f.sandbox.last().BecomeReady();
  f.StartInstance("hello", "s-7");
  EXPECT_EQ(f.sandbox.started(), 5u);
}

TEST(FailFastTest, TargetsStartNothingThatCannotBeLoaded) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  FailToLoad(f, 3);
  f.clock.Advance(absl::Minutes(2));
  pb::SetTargetRequest request;
  request.set_function_id("fn-hello");
  request.set_desired(2);
  request.set_ttl(100000);
  EXPECT_EQ(f.pool->SetTarget(request)->starting(), 0);
}

TEST(FailFastTest, WarmingFailsWithTheLastError) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  FailToLoad(f, 3);
  pb::WarmRequest request;
  request.set_function("hello");
  absl::StatusOr<pb::WarmResponse> answer = absl::UnknownError("none yet");
  f.pool->Warm(request, [&](auto a) { answer = std::move(a); });
  EXPECT_THAT(answer, HasErrorCode("FUNCTION_INIT_FAILED"));
}

TEST(FailFastTest, AChangedFunctionStartsAfresh) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  FailToLoad(f, 3);
  f.Put(PoolFixture::MakeFunction("hello", 2));
  f.StartInstance("hello", "s-4", 2);
  EXPECT_EQ(f.sandbox.started(), 4u);
}

}  // namespace
}  // namespace so
