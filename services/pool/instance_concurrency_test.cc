// Several invocations on one instance, and one that is stopped.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/pool/testing/pool_fixture.h"

namespace so {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace pb = serverless::pool::v1;

constexpr absl::string_view kOk = R"({"statusCode":200,"headers":{}})";

// One warm instance of a function that takes `concurrency` calls at a time.
struct Shared {
  explicit Shared(int concurrency) {
    auto function = PoolFixture::MakeFunction("hello");
    function.set_concurrency(concurrency);
    f.Put(function);
    process = &f.WarmOne("hello");
  }
  // The call is sent and acknowledged; returns what its frames bear.
  Nonce Begin(const std::string& request_id, int timeout = 1000) {
    f.Dispatch("inst-000001", request_id, timeout);
    process->Say(FrameType::kStarted);
    return process->nonce;
  }
  void Answer(const Nonce& nonce, absl::string_view body) {
    process->SayWith(nonce, FrameType::kResult, EncodeTwoParts(kOk, body));
  }
  std::vector<pb::Result> Results() const {
    std::vector<pb::Result> results;
    for (const auto& m : f.link.Of(&pb::AttachResponse::has_result)) {
      results.push_back(m.result());
    }
    return results;
  }
  pb::Result Last() const { return Results().back(); }
  std::vector<std::string> Rejected() const {
    std::vector<std::string> ids;
    for (const auto& m : f.link.Of(&pb::AttachResponse::has_rejected)) {
      ids.push_back(m.rejected().request_id());
    }
    return ids;
  }
  void Cancel(uint64_t dispatch_id, RouterId router) {
    pb::Cancel cancel;
    cancel.set_instance_id("inst-000001");
    cancel.set_dispatch_id(dispatch_id);
    f.pool->Cancel(router, cancel);
  }

  PoolFixture f;
  FakeProcess* process;
};

TEST(InstanceConcurrencyTest, TellsRoutersAndTheProcess) {
  Shared s(3);
  EXPECT_EQ(s.f.link.Of(&pb::AttachResponse::has_instance)
                .back()
                .instance()
                .concurrency(),
            3);
  EXPECT_THAT(s.process->received.at(0).second,
              ::testing::HasSubstr(R"("concurrency":3)"));
}

TEST(InstanceConcurrencyTest, TakesSoManyCallsAndNoMore) {
  Shared s(2);
  const Nonce first = s.Begin("req-1");
  const Nonce second = s.Begin("req-2");
  s.f.Dispatch("inst-000001", "req-3");
  EXPECT_THAT(s.Rejected(), ElementsAre("req-3"));
  EXPECT_EQ(s.f.Count("hello", "busy"), 1);

  s.Answer(second, "2");
  EXPECT_EQ(s.Last().request_id(), "req-2");
  EXPECT_EQ(s.Last().body(), "2");
  EXPECT_TRUE(s.Last().instance_free());
  EXPECT_EQ(s.f.Count("hello", "busy"), 1);
  s.Answer(first, "1");
  EXPECT_EQ(s.Last().request_id(), "req-1");
  EXPECT_EQ(s.f.Count("hello", "warm"), 1);
}

TEST(InstanceConcurrencyTest, TellsCallsWithTheSameRequestIdApart) {
  Shared s(2);
  const Nonce first = s.Begin("same");
  const Nonce second = s.Begin("same");
  s.Answer(second, "2");
  EXPECT_EQ(s.Last().dispatch_id(), 2u);
  EXPECT_EQ(s.Last().body(), "2");
  s.Answer(first, "1");
  EXPECT_EQ(s.Last().dispatch_id(), 1u);
}

TEST(InstanceConcurrencyTest, FreezesOnlyWhenAllHaveEnded) {
  Shared s(2);
  const Nonce first = s.Begin("req-1");
  s.Answer(s.Begin("req-2"), "2");
  s.f.clock.Advance(absl::Milliseconds(200));
  EXPECT_FALSE(s.process->frozen);
  s.Answer(first, "1");
  s.f.clock.Advance(absl::Milliseconds(50));
  EXPECT_TRUE(s.process->frozen);
}

TEST(InstanceConcurrencyTest, ATimeoutLeavesTheOthersAloneAndEndsItAfterThem) {
  Shared s(3);
  const Nonce slow = s.Begin("slow", 500);
  const Nonce other = s.Begin("other", 5000);
  s.f.clock.Advance(absl::Milliseconds(500));
  EXPECT_EQ(s.Last().request_id(), "slow");
  EXPECT_EQ(s.Last().error().code(), "FUNCTION_TIMEOUT");
  EXPECT_FALSE(s.Last().instance_free());
  EXPECT_FALSE(s.process->killed);
  s.f.Dispatch("inst-000001", "late");
  EXPECT_THAT(s.Rejected(), ElementsAre("late"));

  s.Answer(slow, "too late");
  EXPECT_EQ(s.Results().size(), 1u);
  s.Answer(other, "2");
  EXPECT_EQ(s.Last().body(), "2");
  EXPECT_FALSE(s.Last().instance_free());
  EXPECT_TRUE(s.process->killed);
}

TEST(InstanceConcurrencyTest, ACrashEndsAllAndWhatHasNotStartedGoesElsewhere) {
  Shared s(3);
  s.Begin("req-1");
  s.Begin("req-2");
  s.f.Dispatch("inst-000001", "unseen");
  s.process->Exit({.exit_code = 3});
  ASSERT_EQ(s.Results().size(), 2u);
  for (const pb::Result& result : s.Results()) {
    EXPECT_EQ(result.error().code(), "FUNCTION_CRASHED");
    EXPECT_FALSE(result.instance_free());
  }
  EXPECT_THAT(s.Rejected(), ElementsAre("unseen"));
}

TEST(InstanceConcurrencyTest, AViolationEndsAll) {
  Shared s(2);
  s.Begin("req-1");
  s.Begin("req-2");
  s.process->SayWith(Nonce{1}, FrameType::kResult, EncodeTwoParts(kOk, "1"));
  EXPECT_TRUE(s.process->killed);
  ASSERT_EQ(s.Results().size(), 2u);
  EXPECT_EQ(s.Results()[0].error().code(), "FUNCTION_PROTOCOL_ERROR");
}

TEST(InstanceConcurrencyTest, LogsGoToTheCallThatPrintedThem) {
  Shared s(2);
  const Nonce first = s.Begin("req-1");
  const Nonce second = s.Begin("req-2");
  s.process->SayWith(first, FrameType::kLog, "from one\n");
  s.process->SayWith(second, FrameType::kLog, "from two\n");
  s.process->unread =
      "{\"requestId\":\"req-1\",\"message\":\"structured\"}\nnobody's\n";
  s.Answer(second, "2");
  EXPECT_THAT(s.Last().logs(), ElementsAre("[instance] nobody's", "from two"));
  s.Answer(first, "1");
  EXPECT_THAT(s.Last().logs(),
              ElementsAre("from one",
                          R"({"requestId":"req-1","message":"structured"})"));
}

TEST(InstanceConcurrencyTest, AloneACallMayNotSendLogs) {
  Shared s(1);
  s.Begin("req-1");
  s.process->Say(FrameType::kLog, "hi");
  EXPECT_EQ(s.Last().error().code(), "FUNCTION_PROTOCOL_ERROR");
}

TEST(InstanceConcurrencyTest, ALogHasABound) {
  Shared s(2);
  s.Begin("req-1");
  s.process->Say(FrameType::kLog, std::string(kMaxPieceBytes + 1, 'x'));
  EXPECT_EQ(s.Last().error().code(), "FUNCTION_PROTOCOL_ERROR");
}

TEST(InstanceConcurrencyTest, ProcessesLeftBehindCountWhenTheLastHasEnded) {
  Shared s(2);
  const Nonce first = s.Begin("req-1");
  const Nonce second = s.Begin("req-2");
  s.process->usage.processes = 2;
  s.Answer(first, "1");
  EXPECT_TRUE(s.Last().instance_free());
  s.process->usage.processes = 1;
  s.Answer(second, "2");
  EXPECT_TRUE(s.Last().instance_free());

  const Nonce third = s.Begin("req-3");
  s.process->usage.processes = 2;
  s.Answer(third, "3");
  EXPECT_FALSE(s.Last().instance_free());
  EXPECT_TRUE(s.process->killed);
}

TEST(InstanceConcurrencyTest, IsNotMeasuredForEachOfManyCalls) {
  Shared s(3);
  const Nonce first = s.Begin("req-1");
  const Nonce second = s.Begin("req-2");
  const Nonce third = s.Begin("req-3");
  s.f.clock.Advance(absl::Milliseconds(10));
  s.process->usage = {.memory = 20, .cpu = absl::Milliseconds(35)};
  s.Answer(first, "1");
  EXPECT_EQ(s.Last().cpu_time(), 5);
  EXPECT_EQ(s.Last().memory_used(), 20);
  s.process->usage = {.memory = 21, .cpu = absl::Milliseconds(38)};
  s.Answer(second, "2");
  EXPECT_EQ(s.Last().cpu_time(), 0);
  EXPECT_EQ(s.Last().memory_used(), 20);
  // The last one is, so that nothing is lost.
  s.Answer(third, "3");
  EXPECT_EQ(s.Last().cpu_time(), 3);
  EXPECT_EQ(s.Last().memory_used(), 21);
}

TEST(InstanceConcurrencyTest, AnOldOneTakesNoMoreOnceARouterKnows) {
  Shared s(2);
  const Nonce first = s.Begin("req-1");
  const Nonce second = s.Begin("req-2");
  auto changed = PoolFixture::MakeFunction("hello", 2);
  changed.set_concurrency(2);
  s.f.Put(changed);
  s.Answer(first, "1");
  EXPECT_FALSE(s.Last().instance_free());
  EXPECT_FALSE(s.process->terminated);
  s.Answer(second, "2");
  EXPECT_TRUE(s.process->terminated);
}

TEST(CancelTest, StopsTheOnlyCallAtOnce) {
  Shared s(1);
  s.Begin("req-1");
  s.process->unread = "so far\n";
  s.Cancel(1, s.f.router);
  EXPECT_TRUE(s.process->killed);
  EXPECT_EQ(s.Last().error().code(), "CANCELLED");
  EXPECT_EQ(s.Last().error().executed(), "yes");
  EXPECT_THAT(s.Last().logs(), ElementsAre("so far"));
  EXPECT_FALSE(s.Last().instance_free());
}

TEST(CancelTest, BeforeItIsAcknowledgedNobodyKnowsWhetherItRuns) {
  Shared s(1);
  s.f.Dispatch("inst-000001", "req-1");
  s.Cancel(1, s.f.router);
  EXPECT_EQ(s.Last().error().executed(), "maybe");
}

TEST(CancelTest, LeavesTheNeighboursAlone) {
  Shared s(2);
  s.Begin("req-1");
  const Nonce other = s.Begin("req-2");
  s.Cancel(1, s.f.router);
  EXPECT_EQ(s.Last().error().code(), "CANCELLED");
  EXPECT_FALSE(s.process->killed);
  s.Answer(other, "2");
  EXPECT_EQ(s.Last().body(), "2");
  EXPECT_TRUE(s.process->killed);
}

TEST(CancelTest, OnlyWhoSentACallMayStopIt) {
  Shared s(1);
  const Nonce nonce = s.Begin("req-1");
  s.Cancel(1, s.f.router + 1);
  s.Cancel(2, s.f.router);
  EXPECT_THAT(s.Results(), IsEmpty());
  s.Answer(nonce, "1");
  s.Cancel(1, s.f.router);
  EXPECT_EQ(s.Results().size(), 1u);
  EXPECT_FALSE(s.process->killed);
}

}  // namespace
}  // namespace so
