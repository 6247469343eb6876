#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/testing/status_matchers.h"
#include "services/pool/instance_pool.h"
#include "services/pool/testing/pool_fixture.h"

namespace so {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace pb = serverless::pool::v1;

class PoolRecordsTest : public testing::Test {
 protected:
  explicit PoolRecordsTest(InstancePool::Options options = {})
      : f(std::move(options)) {}

  pb::FunctionMetrics Metrics() { return f.pool->GetMetrics().metrics(0); }

  PoolFixture f;
};

TEST_F(PoolRecordsTest, AStartIsNotedUntilItIsWarm) {
  f.Put(PoolFixture::MakeFunction("hello"));
  f.StartInstance("hello");
  f.clock.Advance(absl::Milliseconds(20));
  f.sandbox.last().Hello();
  f.clock.Advance(absl::Milliseconds(5));
  f.sandbox.last().Say(FrameType::kReady);
  EXPECT_THAT(f.Events(),
              ElementsAre("start inst-000001 on-demand", "warm inst-000001"));
  const pb::PoolEvent start = f.all_events().at(0);
  EXPECT_EQ(start.function_id(), "fn-hello");
  EXPECT_EQ(start.version(), 1);
  EXPECT_EQ(start.memory(), 128);
  EXPECT_EQ(start.instances(), 1);
  EXPECT_EQ(start.detail(), "a call waits for it");
  const pb::PoolEvent warm = f.all_events().at(1);
  EXPECT_EQ(warm.age(), 25);
  EXPECT_EQ(warm.detail(), "started in 20 ms, code loaded in 5 ms");
}

TEST_F(PoolRecordsTest, AStartThatFailsIsNotedOnceAndSaysWhy) {
  f.Put(PoolFixture::MakeFunction("hello"));
  f.StartInstance("hello");
  f.sandbox.last().Exit({.exit_code = 1});
  EXPECT_THAT(f.Events(), ElementsAre("start inst-000001 on-demand",
                                      "start-failed inst-000001"));
  EXPECT_EQ(f.all_events().at(1).instances(), 0);
  EXPECT_THAT(f.all_events().at(1).detail(), HasSubstr("FUNCTION_INIT_FAILED"));
}

TEST_F(PoolRecordsTest, AnIdleOneIsRetiredWithItsNumbers) {
  f.Put(PoolFixture::MakeFunction("hello"));
  f.WarmOne("hello");
  f.WarmOne("hello");
  f.clock.Advance(absl::Seconds(80));
  f.Dispatch("inst-000002");
  f.sandbox.last().Say(FrameType::kStarted);
  f.sandbox.last().Answer("1");
  const int64_t before = f.all_events().back().sequence();
  f.clock.Advance(absl::Seconds(10));
  EXPECT_THAT(f.Events(before), ElementsAre("retire inst-000001 idle"));
  const pb::PoolEvent event = f.all_events().back();
  EXPECT_EQ(event.idle(), 90000);
  EXPECT_EQ(event.instances(), 1);
  EXPECT_EQ(event.detail(), "idle for 90 s, limit 60 s; 1 instance stays");
  f.LetDie();
  EXPECT_THAT(f.Events(before + 1), IsEmpty());
}

TEST_F(PoolRecordsTest, AnOldOneIsReplacedAndThenRetired) {
  auto function = PoolFixture::MakeFunction("hello");
  function.set_idle_timeout(86400000);
  f.Put(function);
  f.WarmOne("hello");
  f.clock.Advance(absl::Seconds(330));
  f.sandbox.last().BecomeReady();
  EXPECT_THAT(
      f.Events(2),
      ElementsAre("replace inst-000001 age", "start inst-000002 replacement",
                  "warm inst-000002", "retire inst-000001 age"));
  EXPECT_EQ(f.all_events().at(5).detail(), "330 s old, limit 300 s");
  EXPECT_EQ(f.all_events().at(5).instances(), 1);
}

TEST_F(PoolRecordsTest, ANewVersionRetiresWhatIsFreeNowAndTheRestLater) {
  f.Put(PoolFixture::MakeFunction("hello"));
  f.WarmOne("hello");
  FakeProcess& busy = f.WarmOne("hello");
  f.Dispatch("inst-000002");
  busy.Say(FrameType::kStarted);
  f.Put(PoolFixture::MakeFunction("hello", 2));
  EXPECT_THAT(f.Events(4), ElementsAre("retire inst-000001 version"));
  busy.Answer("1");
  EXPECT_THAT(f.Events(5), ElementsAre("retire inst-000002 version"));
}

TEST_F(PoolRecordsTest, OneForASingleCallIsUsed) {
  auto function = PoolFixture::MakeFunction("hello");
  function.set_reuse("never");
  f.Put(function);
  FakeProcess& process = f.WarmOne("hello");
  f.Dispatch("inst-000001");
  process.Say(FrameType::kStarted);
  process.Answer("1");
  EXPECT_THAT(f.Events(2), ElementsAre("retire inst-000001 used"));
}

TEST_F(PoolRecordsTest, AnEndThatNobodyDecidedSaysHowItCame) {
  f.Put(PoolFixture::MakeFunction("hello"));
  FakeProcess& crashed = f.WarmOne("hello");
  f.Dispatch("inst-000001");
  crashed.Say(FrameType::kStarted);
  crashed.Exit({.signal = 11});
  FakeProcess& late = f.WarmOne("hello");
  f.Dispatch("inst-000002", "req-2", 500);
  late.Say(FrameType::kStarted);
  f.clock.Advance(absl::Milliseconds(500));
  EXPECT_THAT(f.Events(2),
              ElementsAre("end inst-000001", "start inst-000002 on-demand",
                          "warm inst-000002", "end inst-000002"));
  EXPECT_EQ(f.all_events().at(2).detail(),
            "ended by itself after FUNCTION_CRASHED; 1 call in 0 ms");
  EXPECT_THAT(f.all_events().at(5).detail(),
              HasSubstr("after FUNCTION_TIMEOUT; 1 call in 500 ms"));
}

TEST_F(PoolRecordsTest, AShutdownRetiresEverything) {
  f.Put(PoolFixture::MakeFunction("hello"));
  f.WarmOne("hello");
  f.WarmOne("hello");
  f.Dispatch("inst-000002", "req-1", 900000);
  f.pool->Drain(absl::Seconds(5), [] {});
  f.clock.Advance(absl::Seconds(6));
  EXPECT_THAT(f.Events(4), ElementsAre("retire inst-000001 drain",
                                       "retire inst-000002 drain"));
}

class SmallPoolRecordsTest : public PoolRecordsTest {
 protected:
  SmallPoolRecordsTest()
      : PoolRecordsTest({.capacity = {.instances = 1, .memory = 4096}}) {}
};

TEST_F(SmallPoolRecordsTest, OneThatMakesRoomIsEvicted) {
  f.Put(PoolFixture::MakeFunction("one"));
  f.Put(PoolFixture::MakeFunction("two"));
  f.WarmOne("one");
  f.clock.Advance(absl::Seconds(3));
  f.StartInstance("two");
  EXPECT_THAT(f.Events(2), ElementsAre("evict inst-000001 room",
                                       "start inst-000002 on-demand"));
  EXPECT_EQ(f.all_events().at(2).detail(),
            "idle for 3 s; makes room for a call of fn-two");
}

TEST_F(PoolRecordsTest, ListingChecksItsField) {
  pb::ListEventsRequest request;
  request.set_after(-1);
  EXPECT_THAT(f.pool->ListEvents(request), HasErrorCode("INVALID_ARGUMENT"));
}

TEST_F(PoolRecordsTest, IdleAndBusyTimeAddUpAndOutliveTheInstance) {
  auto function = PoolFixture::MakeFunction("hello");
  function.set_memory(512);
  function.set_idle_timeout(1000);
  f.Put(function);
  FakeProcess& process = f.WarmOne("hello");
  f.clock.Advance(absl::Seconds(3));
  EXPECT_EQ(Metrics().idle_gb_seconds(), 1.5);  // It goes on.
  f.Dispatch("inst-000001", "req-1", 60000);
  process.Say(FrameType::kStarted);
  f.clock.Advance(absl::Seconds(6));
  EXPECT_EQ(Metrics().busy_gb_seconds(), 3);
  process.Answer("1");
  EXPECT_EQ(Metrics().idle_gb_seconds(), 1.5);
  f.clock.Advance(absl::Seconds(30));
  f.LetDie();
  EXPECT_EQ(Metrics().total(), 0);
  // Cleanup comes every 30 s: it was free for 21 s more.
  EXPECT_EQ(Metrics().idle_gb_seconds(), 12);
  EXPECT_EQ(Metrics().busy_gb_seconds(), 3);
}

}  // namespace
}  // namespace so
