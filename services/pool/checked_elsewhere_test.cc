// Answers whose bodies are checked on another thread: what happens meanwhile.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/pool/testing/pool_fixture.h"

namespace so {
namespace {

namespace pb = serverless::pool::v1;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// Large enough to be checked elsewhere, and JSON, or not.
std::string Body() { return "\"" + std::string(300 << 10, 'x') + "\""; }
std::string NotJson() { return std::string(300 << 10, 'x'); }

// A warm instance with one call running; checks wait for the test.
struct Checking {
  explicit Checking(int concurrency = 1) {
    auto function = PoolFixture::MakeFunction("hello");
    function.set_concurrency(concurrency);
    f.Put(function);
    process = &f.WarmOne("hello");
    f.worker.hold = true;
    Begin();
  }
  Nonce Begin(int timeout = 1000) {
    f.Dispatch("inst-000001", "req", timeout);
    process->Say(FrameType::kStarted);
    return process->nonce;
  }
  // "1 200 free", "2 FUNCTION_TIMEOUT", in the order they were sent.
  std::vector<std::string> Ended() {
    f.pool->FlushResults(f.router);
    std::vector<std::string> ended;
    for (const auto& m : f.link.Of(&pb::AttachResponse::has_result)) {
      const pb::Result& result = m.result();
      ended.push_back(absl::StrCat(result.dispatch_id(), " ",
                                   result.has_error()
                                       ? result.error().code()
                                       : absl::StrCat(result.status_code()),
                                   result.instance_free() ? " free" : ""));
    }
    return ended;
  }
  // What has come of bodies in parts.
  std::string Received() const {
    std::string body;
    for (const auto& m : f.link.Of(&pb::AttachResponse::has_part)) {
      body += m.part().data();
    }
    return body;
  }

  PoolFixture f;
  FakeProcess* process;
};

TEST(CheckedElsewhereTest, InstanceIsBusyUntilTheCheckIsDone) {
  Checking c;
  c.process->Answer(Body(), 201);
  EXPECT_THAT(c.Ended(), IsEmpty());
  EXPECT_EQ(c.f.Count("hello", "busy"), 1);
  c.f.Dispatch("inst-000001");
  EXPECT_EQ(c.f.link.Of(&pb::AttachResponse::has_rejected).size(), 1);
  c.f.worker.Run();
  EXPECT_THAT(c.Ended(), ElementsAre("1 201 free"));
  EXPECT_TRUE(c.Received() == Body());
  EXPECT_EQ(c.f.Count("hello", "warm"), 1);
}

TEST(CheckedElsewhereTest, WhatIsNotJsonFails) {
  Checking c;
  c.process->Answer(NotJson(), 201);
  c.f.worker.Run();
  EXPECT_THAT(c.Ended(), ElementsAre("1 FUNCTION_RESULT_INVALID free"));
  const auto results = c.f.link.Of(&pb::AttachResponse::has_result);
  EXPECT_EQ(results[0].result().status_code(), 0);
  EXPECT_THAT(c.Received(), IsEmpty());
}

TEST(CheckedElsewhereTest, SmallOnesAreCheckedAtOnce) {
  Checking c;
  c.process->Answer("\"" + std::string(200 << 10, 'x') + "\"");
  EXPECT_THAT(c.f.worker.waiting, IsEmpty());
  EXPECT_THAT(c.Ended(), ElementsAre("1 200 free"));
}

TEST(CheckedElsewhereTest, AnswerInTimeIsNotOverdue) {
  Checking c;
  c.process->Answer(Body());
  c.f.clock.Advance(absl::Seconds(30));
  EXPECT_THAT(c.Ended(), IsEmpty());
  c.f.worker.Run();
  EXPECT_THAT(c.Ended(), ElementsAre("1 200 free"));
  EXPECT_FALSE(c.process->killed);
}

TEST(CheckedElsewhereTest, CancelComesTooLate) {
  Checking c;
  c.process->Answer(Body());
  pb::Cancel cancel;
  cancel.set_dispatch_id(1);
  cancel.set_instance_id("inst-000001");
  c.f.pool->Cancel(c.f.router, cancel);
  EXPECT_FALSE(c.process->killed);
  c.f.worker.Run();
  EXPECT_THAT(c.Ended(), ElementsAre("1 200 free"));
}

TEST(CheckedElsewhereTest, AnswerOutlivesItsProcess) {
  Checking c;
  c.process->Answer(Body());
  c.process->Exit({.signal = 11});
  EXPECT_THAT(c.Ended(), ElementsAre("1 200"));
  EXPECT_TRUE(c.Received() == Body());
  EXPECT_EQ(c.f.Count("hello", "busy"), 0);
  c.f.worker.Run();  // Comes back to nobody.
  EXPECT_THAT(c.Ended(), SizeIs(1));
}

TEST(CheckedElsewhereTest, WrongAnswerOutlivesItsProcessToo) {
  Checking c;
  c.process->Answer(NotJson());
  c.process->Exit({.signal = 11});
  EXPECT_THAT(c.Ended(), ElementsAre("1 FUNCTION_RESULT_INVALID"));
  c.f.worker.Run();
  EXPECT_THAT(c.Ended(), SizeIs(1));
}

TEST(CheckedElsewhereTest, SecondAnswerBreaksTheContractAndChangesNothing) {
  Checking c;
  c.process->Answer(Body());
  c.process->Answer("\"other\"");
  EXPECT_THAT(c.Ended(), ElementsAre("1 200"));
  EXPECT_TRUE(c.Received() == Body());
  EXPECT_TRUE(c.process->killed);
  c.f.worker.Run();
  EXPECT_THAT(c.Ended(), SizeIs(1));
}

TEST(CheckedElsewhereTest, EndOfADrainDoesNotLoseIt) {
  Checking c;
  c.process->Answer(Body());
  c.f.pool->Drain(absl::Seconds(1), [] {});
  EXPECT_THAT(c.Ended(), IsEmpty());
  c.f.clock.Advance(absl::Seconds(1));
  EXPECT_THAT(c.Ended(), ElementsAre("1 200"));
  EXPECT_TRUE(c.process->terminated);
}

TEST(CheckedElsewhereTest, FunctionThatIsDeletedMeanwhileRetiresItAfterwards) {
  Checking c;
  c.process->Answer(Body());
  c.f.Delete("hello");
  EXPECT_FALSE(c.process->terminated);
  c.f.worker.Run();
  EXPECT_THAT(c.Ended(), ElementsAre("1 200"));
  EXPECT_TRUE(c.process->terminated);
}

TEST(CheckedElsewhereTest, NeighbourMayEndMeanwhile) {
  Checking c(/*concurrency=*/2);
  const Nonce first = c.process->nonce;
  c.Begin(/*timeout=*/500);
  c.process->SayWith(
      first, FrameType::kResult,
      EncodeTwoParts(R"({"statusCode":200,"headers":{}})", Body()));
  c.f.clock.Advance(absl::Milliseconds(600));
  EXPECT_THAT(c.Ended(), ElementsAre("2 FUNCTION_TIMEOUT"));
  EXPECT_FALSE(c.process->killed) << "the other one is not lost";
  c.f.worker.Run();
  EXPECT_THAT(c.Ended(), ElementsAre("2 FUNCTION_TIMEOUT", "1 200"));
  EXPECT_TRUE(c.process->killed);
}

TEST(CheckedElsewhereTest, NeighboursThatCrashFailAlone) {
  Checking c(/*concurrency=*/2);
  const Nonce first = c.process->nonce;
  c.Begin();
  c.process->SayWith(
      first, FrameType::kResult,
      EncodeTwoParts(R"({"statusCode":200,"headers":{}})", Body()));
  c.process->Exit({.exit_code = 1});
  EXPECT_THAT(c.Ended(),
              testing::UnorderedElementsAre("1 200", "2 FUNCTION_CRASHED"));
}

TEST(CheckedElsewhereTest, RouterThatLeavesFreesTheInstanceAllTheSame) {
  Checking c;
  c.process->Answer(Body());
  c.f.pool->Detach(c.f.router);
  const size_t heard = c.f.link.messages.size();
  c.f.worker.Run();
  EXPECT_THAT(c.f.link.messages, SizeIs(heard));
  EXPECT_EQ(c.f.Count("hello", "warm"), 1);
}

TEST(CheckedElsewhereTest, PoolMayBeGoneWhenTheCheckIsDone) {
  Checking c;
  c.process->Answer(Body());
  c.f.pool.reset();
  c.f.worker.Run();
  EXPECT_THAT(c.f.worker.waiting, IsEmpty());
}

}  // namespace
}  // namespace so
