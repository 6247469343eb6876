// Events and results that travel in parts between router and pool.
#include <algorithm>
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

constexpr size_t kPiece = 65536;
constexpr size_t kWindow = 262144;

// JSON text of exactly so many bytes, in which no two pieces are the same.
std::string Text(size_t bytes) {
  std::string text = "\"";
  for (size_t i = 0; text.size() < bytes; ++i) absl::StrAppend(&text, i, ",");
  text.resize(bytes - 1);
  return text + "\"";
}

// One warm instance.
struct Large {
  Large() {
    f.Put(PoolFixture::MakeFunction("hello"));
    process = &f.WarmOne("hello");
    f.link.messages.clear();
  }

  // A call with a small event, running.
  void Run() {
    f.Dispatch("inst-000001");
    process->Say(FrameType::kStarted);
  }
  void Grant(int32_t bytes) {
    pb::Credit credit;
    credit.set_dispatch_id(1);
    credit.set_instance_id("inst-000001");
    credit.set_bytes(bytes);
    f.pool->Grant(f.router, credit);
  }
  // What has come of a body.
  std::string Body() const {
    std::string body;
    for (const auto& m : f.link.Of(&pb::AttachResponse::has_part)) {
      body += m.part().data();
    }
    return body;
  }
  std::vector<pb::Result> Results() const {
    std::vector<pb::Result> results;
    for (const auto& m : f.link.Of(&pb::AttachResponse::has_result)) {
      results.push_back(m.result());
    }
    return results;
  }

  // A call whose event is to come.
  void Announce(size_t bytes) {
    pb::Dispatch dispatch;
    dispatch.set_dispatch_id(1);
    dispatch.set_request_id("req");
    dispatch.set_instance_id("inst-000001");
    dispatch.set_timeout(1000);
    dispatch.set_event_bytes(static_cast<int32_t>(bytes));
    f.pool->Dispatch(f.router, std::move(dispatch));
  }
  void SendPart(const std::string& data) {
    pb::EventPart part;
    part.set_dispatch_id(1);
    part.set_data(data);
    f.pool->AddEventPart(f.router, part);
  }
  void Cancel() {
    pb::Cancel cancel;
    cancel.set_dispatch_id(1);
    cancel.set_instance_id("inst-000001");
    f.pool->Cancel(f.router, cancel);
  }
  std::vector<std::string> Refusals() const {
    std::vector<std::string> reasons;
    for (const auto& m : f.link.Of(&pb::AttachResponse::has_rejected)) {
      EXPECT_EQ(m.rejected().dispatch_id(), 1);
      reasons.push_back(m.rejected().reason());
    }
    return reasons;
  }
  size_t Credit() const {
    size_t bytes = 0;
    for (const auto& m : f.link.Of(&pb::AttachResponse::has_event_credit)) {
      bytes += m.event_credit().bytes();
    }
    return bytes;
  }
  // The events that the process was given.
  std::vector<std::string> Events() const {
    std::vector<std::string> events;
    for (const auto& [type, payload] : process->received) {
      TwoParts parts;
      if (type != FrameType::kInvoke) continue;
      EXPECT_TRUE(DecodeTwoParts(payload, parts).ok());
      events.emplace_back(parts.body);
    }
    return events;
  }

  PoolFixture f;
  FakeProcess* process;
};

TEST(LargeResultTest, OneThatFitsAPieceGoesAtOnce) {
  Large l;
  l.Run();
  l.process->Answer(Text(kPiece));
  ASSERT_THAT(l.Results(), SizeIs(1));
  EXPECT_THAT(l.Results()[0].body(), SizeIs(kPiece));
  EXPECT_FALSE(l.Results()[0].body_in_parts());
  EXPECT_THAT(l.Body(), IsEmpty());
}

TEST(LargeResultTest, GoesInPartsAsThereIsCredit) {
  Large l;
  l.Run();
  const std::string body = Text(8 * kPiece + 5);
  l.process->Answer(body, 201);
  EXPECT_TRUE(l.Body() == body.substr(0, kWindow));
  EXPECT_THAT(l.Results(), IsEmpty());
  EXPECT_EQ(l.f.Count("hello", "warm"), 1) << "its work is done";
  l.Grant(100);
  EXPECT_THAT(l.Body(), SizeIs(kWindow)) << "not worth a message";
  l.Grant(2 * kPiece - 100);
  EXPECT_THAT(l.Body(), SizeIs(kWindow + 2 * kPiece));
  l.Grant(1 << 20);
  EXPECT_TRUE(l.Body() == body);
  ASSERT_THAT(l.Results(), SizeIs(1));
  EXPECT_THAT(l.Results()[0].body(), IsEmpty());
  EXPECT_TRUE(l.Results()[0].body_in_parts());
  EXPECT_TRUE(l.Results()[0].instance_free());
  EXPECT_EQ(l.Results()[0].status_code(), 201);
  for (const auto& m : l.f.link.Of(&pb::AttachResponse::has_part)) {
    EXPECT_EQ(m.part().body_bytes(), body.size());
    EXPECT_EQ(m.part().dispatch_id(), 1);
    EXPECT_LE(m.part().data().size(), kPiece);
  }
  l.Grant(1 << 20);  // Of a result that has gone.
  EXPECT_THAT(l.Results(), SizeIs(1));
}

TEST(LargeResultTest, SaysThatItsInstanceHasEndedMeanwhile) {
  Large l;
  l.Run();
  l.process->Answer(Text(8 * kPiece));
  l.process->Exit();
  l.Grant(1 << 20);
  ASSERT_THAT(l.Results(), SizeIs(1));
  EXPECT_FALSE(l.Results()[0].instance_free());
  EXPECT_TRUE(l.Body() == Text(8 * kPiece));
}

TEST(LargeResultTest, CancelComesTooLate) {
  Large l;
  l.Run();
  l.process->Answer(Text(8 * kPiece));
  l.Cancel();
  l.Grant(1 << 20);
  ASSERT_THAT(l.Results(), SizeIs(1));
  EXPECT_FALSE(l.Results()[0].has_error());
}

TEST(LargeResultTest, LeavesAtOnceWhenTheStreamIsToEnd) {
  Large l;
  l.Run();
  const std::string body = Text(6 << 20);
  l.process->Answer(body);
  l.f.pool->FlushResults(l.f.router);
  EXPECT_TRUE(l.Body() == body);
  EXPECT_THAT(l.Results(), SizeIs(1));
}

TEST(LargeResultTest, IsForgottenWithItsRouter) {
  Large l;
  l.Run();
  l.process->Answer(Text(8 * kPiece));
  const size_t sent = l.f.link.messages.size();
  l.f.pool->Detach(l.f.router);
  l.Grant(1 << 20);
  l.f.pool->FlushResults(l.f.router);
  EXPECT_THAT(l.f.link.messages, SizeIs(sent));
}

TEST(LargeResultTest, TwoRoutersWithTheSameIdsAreToldApart) {
  Large l;
  RecordingLink other_link;
  const RouterId other = l.f.pool->Attach(other_link);
  l.Run();
  l.process->Answer(Text(8 * kPiece));
  pb::Credit credit;
  credit.set_dispatch_id(1);
  credit.set_instance_id("inst-000001");
  credit.set_bytes(1 << 20);
  l.f.pool->Grant(other, credit);
  EXPECT_THAT(l.Results(), IsEmpty());
  EXPECT_THAT(other_link.Of(&pb::AttachResponse::has_part), IsEmpty());
}

TEST(LargeEventTest, RunsWhenAllOfItHasCome) {
  Large l;
  const std::string event = Text(7 * kPiece + 3);
  l.Announce(event.size());
  EXPECT_EQ(l.Credit(), kWindow);
  size_t sent = 0;
  while (sent < event.size()) {
    EXPECT_THAT(l.Events(), IsEmpty());
    const size_t bytes = std::min(kPiece, event.size() - sent);
    l.SendPart(event.substr(sent, bytes));
    sent += bytes;
    EXPECT_LE(l.Credit(), sent + kWindow);
    EXPECT_GE(l.Credit(), std::min(event.size(), sent + kPiece));
  }
  ASSERT_THAT(l.Events(), SizeIs(1));
  EXPECT_TRUE(l.Events()[0] == event);
  l.SendPart("more");
  EXPECT_THAT(l.Events(), SizeIs(1));
  EXPECT_THAT(l.Refusals(), IsEmpty());
  l.process->Say(FrameType::kStarted);
  l.process->Answer("1");
  EXPECT_THAT(l.Results(), SizeIs(1));
}

TEST(LargeEventTest, IsRefusedBeforeItComes) {
  Large l;
  l.f.Dispatch("inst-000001");
  l.Announce(2 * kPiece);
  EXPECT_THAT(l.Refusals(), ElementsAre("not-warm"));
  EXPECT_EQ(l.Credit(), 0);
  l.SendPart(Text(2 * kPiece));
  EXPECT_THAT(l.Events(), ElementsAre("{}"));
}

TEST(LargeEventTest, TooLargeAOneNeverComes) {
  Large l;
  l.Announce((6 << 20) + 1);
  ASSERT_THAT(l.Results(), SizeIs(1));
  EXPECT_EQ(l.Results()[0].error().code(), "PAYLOAD_TOO_LARGE");
  EXPECT_EQ(l.Credit(), 0);
}

TEST(LargeEventTest, MoreThanWasAnnouncedIsRefused) {
  Large l;
  l.Announce(2 * kPiece);
  l.SendPart(std::string(kPiece, 'x'));
  l.SendPart(std::string(kPiece + 1, 'x'));
  EXPECT_THAT(l.Refusals(), ElementsAre("bad-event"));
  EXPECT_THAT(l.Events(), IsEmpty());
}

TEST(LargeEventTest, CancelledMeanwhileItNeverRuns) {
  Large l;
  l.Announce(2 * kPiece);
  l.SendPart(std::string(kPiece, 'x'));
  l.Cancel();
  EXPECT_THAT(l.Refusals(), ElementsAre("cancelled"));
  l.SendPart(std::string(kPiece, 'x'));
  l.Cancel();
  EXPECT_THAT(l.Refusals(), SizeIs(1));
  EXPECT_THAT(l.Events(), IsEmpty());
}

TEST(LargeEventTest, IsRefusedWhenItsInstanceEnds) {
  Large l;
  l.Announce(2 * kPiece);
  l.SendPart(std::string(kPiece, 'x'));
  l.process->Exit();
  EXPECT_THAT(l.Refusals(), ElementsAre("died-before-start"));
  l.SendPart(std::string(kPiece, 'x'));
  EXPECT_THAT(l.Refusals(), SizeIs(1));
}

TEST(LargeEventTest, IsRefusedWhenItsInstanceWasGivenToAnotherRouter) {
  Large l;
  RecordingLink other_link;
  const RouterId other = l.f.pool->Attach(other_link);
  l.Announce(2 * kPiece);
  pb::Dispatch dispatch;
  dispatch.set_dispatch_id(1);
  dispatch.set_instance_id("inst-000001");
  dispatch.set_event("{}");
  dispatch.set_timeout(1000);
  l.f.pool->Dispatch(other, std::move(dispatch));
  l.SendPart(std::string(2 * kPiece, 'x'));
  EXPECT_THAT(l.Refusals(), ElementsAre("not-warm"));
  EXPECT_THAT(l.Events(), ElementsAre("{}"));
}

TEST(LargeEventTest, IsRefusedByAPoolThatShutsDown) {
  Large l;
  l.Announce(2 * kPiece);
  bool drained = false;
  l.f.pool->Drain(absl::Seconds(5), [&] { drained = true; });
  EXPECT_THAT(l.Refusals(), ElementsAre("draining"));
  l.f.LetDie();
  EXPECT_TRUE(drained);
}

TEST(LargeEventTest, IsForgottenWithItsRouter) {
  Large l;
  l.Announce(2 * kPiece);
  l.f.pool->Detach(l.f.router);
  l.SendPart(std::string(2 * kPiece, 'x'));
  EXPECT_THAT(l.Events(), IsEmpty());
}

}  // namespace
}  // namespace so
