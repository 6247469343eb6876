// What has to go when room or memory is short.
#include <string>

#include "base/testing/status_matchers.h"
#include "services/pool/instance_pool.h"
#include "services/pool/testing/pool_fixture.h"

namespace so {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

namespace pb = serverless::pool::v1;

class PoolEvictionTest : public testing::Test {
 protected:
  explicit PoolEvictionTest(InstancePool::Options options =
                                {.capacity = {.instances = 3, .memory = 4096}})
      : f(std::move(options)) {}

  // One whose code takes so long to load.
  FakeProcess& WarmSlowly(const std::string& name, absl::Duration init) {
    f.StartInstance(name);
    f.sandbox.last().Hello();
    f.clock.Advance(init);
    f.sandbox.last().Say(FrameType::kReady);
    return f.sandbox.last();
  }
  void SetTarget(const std::string& name, int desired) {
    pb::SetTargetRequest request;
    request.set_function_id("fn-" + name);
    request.set_desired(desired);
    request.set_ttl(600000);
    SO_ASSERT_OK(f.pool->SetTarget(request));
  }
  void Put(const std::string& name, int min_instances = 0) {
    auto function = PoolFixture::MakeFunction(name);
    function.set_min_instances(min_instances);
    f.Put(function);
  }

  PoolFixture f;
};

TEST_F(PoolEvictionTest, WhatStartsFastGoesBeforeWhatStartsSlowly) {
  Put("slow");
  Put("fast");
  Put("new");
  FakeProcess& slow = WarmSlowly("slow", absl::Seconds(5));
  FakeProcess& fast = WarmSlowly("fast", absl::Milliseconds(20));
  WarmSlowly("fast", absl::Milliseconds(20));
  f.StartInstance("new");
  EXPECT_FALSE(slow.killed);  // The longest idle.
  EXPECT_TRUE(fast.killed);
}

TEST_F(PoolEvictionTest, WhatTheScalerDoesNotWantGoesFirst) {
  Put("wanted");
  Put("surplus");
  Put("new");
  FakeProcess& wanted = WarmSlowly("wanted", absl::Milliseconds(20));
  SetTarget("wanted", 1);
  FakeProcess& surplus = WarmSlowly("surplus", absl::Seconds(5));
  SetTarget("surplus", 1);
  FakeProcess& second = WarmSlowly("surplus", absl::Seconds(5));
  f.StartInstance("new");
  EXPECT_FALSE(wanted.killed);
  EXPECT_TRUE(surplus.killed);  // The longer idle of two, of which one stays.
  EXPECT_FALSE(second.killed);
}

TEST_F(PoolEvictionTest, MinInstancesNeverGo) {
  Put("kept", 3);
  Put("new");
  for (size_t i = 0; i < 3; ++i) f.sandbox.at(i)->BecomeReady();
  SetTarget("kept", 0);
  f.StartInstance("new");
  EXPECT_EQ(f.Count("kept", "warm"), 3);
  EXPECT_EQ(f.link.messages.back().start_failed().error().code(),
            "NO_CAPACITY");
}

class PoolMemoryTest : public PoolEvictionTest {
 protected:
  PoolMemoryTest() : PoolEvictionTest({}) {}

  // The next look at the memory.
  void Look(int64_t available) {
    f.memory.reading = {.total = 1000, .available = available};
    f.clock.Advance(absl::Seconds(2));
  }
};

TEST_F(PoolMemoryTest, EnoughMemoryChangesNothing) {
  Put("hello");
  f.WarmOne("hello");
  Look(100);
  EXPECT_EQ(f.Count("hello", "warm"), 1);
  f.memory.reading = std::nullopt;  // Nobody knows.
  f.clock.Advance(absl::Seconds(2));
  EXPECT_EQ(f.Count("hello", "warm"), 1);
}

TEST_F(PoolMemoryTest, FreeOnesGoUntilEnoughIsLeft) {
  Put("hello");
  for (int i = 0; i < 5; ++i) {
    f.WarmOne("hello");
    f.clock.Advance(absl::Milliseconds(100));
  }
  f.Dispatch("inst-000001", "req-1", 60000);
  const int64_t before = f.all_events().back().sequence();
  // Each has 12 MB: two of them are 20.
  Look(80);
  EXPECT_THAT(f.Events(before), ElementsAre("evict inst-000002 memory",
                                            "evict inst-000003 memory"));
  EXPECT_EQ(f.all_events().back().detail(),
            "80 of 1000 MB are available, at least 10 % should be; idle for "
            "1.8 s");
  EXPECT_EQ(f.all_events().back().instances(), 3);
  Look(90);
  EXPECT_EQ(f.Count("hello", "warm"), 1);
  Look(100);
  EXPECT_EQ(f.Count("hello", "warm"), 1);
  EXPECT_EQ(f.Count("hello", "busy"), 1);
}

TEST_F(PoolMemoryTest, NothingIsStartedAheadButForMinInstances) {
  Put("hello");
  Put("kept");
  f.pool->OnDirectorySynced();
  Look(10);
  SetTarget("hello", 2);
  auto deployed = PoolFixture::MakeFunction("hello", 2);
  deployed.mutable_scaling()->set_warm_on_deploy(true);
  f.Put(deployed);
  absl::StatusOr<pb::WarmResponse> answer = absl::UnknownError("none yet");
  pb::WarmRequest request;
  request.set_function("hello");
  f.pool->Warm(request, [&](auto a) { answer = std::move(a); });
  EXPECT_THAT(answer, HasErrorCode("NO_CAPACITY"));
  EXPECT_EQ(f.sandbox.started(), 0u);
  Put("kept", 1);
  EXPECT_EQ(f.sandbox.started(), 1u);
  f.StartInstance("hello", "start", 2);  // A call.
  EXPECT_EQ(f.sandbox.started(), 2u);
  Look(500);
  SetTarget("hello", 2);
  EXPECT_EQ(f.sandbox.started(), 3u);
}

TEST_F(PoolMemoryTest, MinInstancesAndCallsAreLeftAlone) {
  Put("kept", 1);
  f.sandbox.last().BecomeReady();
  Put("busy");
  f.WarmOne("busy");
  f.Dispatch("inst-000002", "req-1", 60000);
  const int64_t before = f.all_events().back().sequence();
  Look(0);
  EXPECT_THAT(f.Events(before), IsEmpty());
}

}  // namespace
}  // namespace so
