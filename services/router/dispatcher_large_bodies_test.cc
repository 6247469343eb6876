// Events and results that travel in parts.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/testing/manual_clock.h"
#include "base/testing/status_matchers.h"
#include "services/router/dispatcher.h"

namespace so {
namespace {

namespace pb = serverless::pool::v1;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr size_t kPiece = 65536;

// Text in which no two pieces are the same.
std::string Text(size_t bytes) {
  std::string text;
  text.reserve(bytes + 8);
  for (size_t i = 0; text.size() < bytes; ++i) absl::StrAppend(&text, i, ",");
  text.resize(bytes);
  return text;
}

class RecordingLink final : public NodeLink {
 public:
  void Start(pb::StartInstance) override {}
  void Dispatch(pb::Dispatch dispatch) override {
    dispatches.push_back(std::move(dispatch));
  }
  void SendEvent(pb::EventPart part) override {
    parts.push_back(std::move(part));
  }
  void Cancel(pb::Cancel cancel) override { cancels.push_back(cancel); }
  void Grant(pb::Credit credit) override { credits.push_back(credit); }

  // All that was sent of the event of one dispatch.
  std::string EventOf(uint64_t dispatch_id) const {
    std::string event;
    for (const pb::EventPart& part : parts) {
      if (part.dispatch_id() == dispatch_id) event += part.data();
    }
    return event;
  }

  std::vector<pb::Dispatch> dispatches;
  std::vector<pb::EventPart> parts;
  std::vector<pb::Cancel> cancels;
  std::vector<pb::Credit> credits;
};

// A function with the warm instances inst-1 and inst-2; inst-1 comes first.
class LargeBodiesTest : public testing::Test {
 protected:
  LargeBodiesTest() : dispatcher_({}, clock_, clock_, link_, Logger("ROUTER")) {
    function_.set_id("fn-1");
    function_.set_name("hello");
    function_.set_version(1);
    function_.set_timeout(2000);
    function_.set_max_instances(2);
    dispatcher_.OnConnected({});
    for (const char* id : {"inst-1", "inst-2"}) {
      pb::InstanceUpdate update;
      update.set_instance_id(id);
      update.set_function_id("fn-1");
      update.set_version(1);
      update.set_state(pb::INSTANCE_STATE_WARM);
      dispatcher_.OnInstance(update);
    }
  }

  InvocationPtr Submit(std::string event, PartArrived on_part = nullptr) {
    auto invocation = std::make_shared<Invocation>();
    invocation->request_id = "req";
    invocation->function =
        std::make_shared<const serverless::function::v1::Function>(function_);
    invocation->event = std::move(event);
    invocation->enqueued = clock_.Now();
    invocation->on_part = std::move(on_part);
    invocation->done = [this](absl::StatusOr<Receipt> outcome) {
      outcomes_.push_back(std::move(outcome));
    };
    dispatcher_.Submit(invocation);
    return invocation;
  }
  void GiveCredit(uint64_t dispatch_id, int32_t bytes) {
    pb::EventCredit credit;
    credit.set_dispatch_id(dispatch_id);
    credit.set_bytes(bytes);
    dispatcher_.OnEventCredit(credit);
  }
  void Reject(uint64_t dispatch_id) {
    pb::Rejected rejected;
    rejected.set_dispatch_id(dispatch_id);
    dispatcher_.OnRejected(rejected);
  }
  void SendPart(const std::string& data, size_t of) {
    pb::ResponsePart part;
    part.set_dispatch_id(1);
    part.set_instance_id("inst-1");
    part.set_data(data);
    part.set_body_bytes(static_cast<int32_t>(of));
    dispatcher_.OnPart(part);
  }
  void SendBody(const std::string& body) {
    for (size_t at = 0; at < body.size(); at += kPiece) {
      SendPart(body.substr(at, kPiece), body.size());
    }
  }
  void End(bool in_parts = true) {
    pb::Result result;
    result.set_dispatch_id(1);
    result.set_status_code(200);
    result.set_body_in_parts(in_parts);
    result.add_logs("printed");
    result.set_instance_free(true);
    dispatcher_.OnResult(result);
  }
  int64_t Granted() const {
    int64_t bytes = 0;
    for (const pb::Credit& credit : link_.credits) bytes += credit.bytes();
    return bytes;
  }

  ManualClock clock_;
  RecordingLink link_;
  Dispatcher dispatcher_;
  serverless::function::v1::Function function_;
  std::vector<absl::StatusOr<Receipt>> outcomes_;
};

TEST_F(LargeBodiesTest, SmallEventGoesWithItsDispatch) {
  Submit(std::string(kPiece, 'x'));
  ASSERT_THAT(link_.dispatches, SizeIs(1));
  EXPECT_THAT(link_.dispatches[0].event(), SizeIs(kPiece));
  EXPECT_EQ(link_.dispatches[0].event_bytes(), 0);
  GiveCredit(1, 1 << 20);
  EXPECT_THAT(link_.parts, IsEmpty());
}

TEST_F(LargeBodiesTest, LargeEventFollowsAsThePoolAsksForIt) {
  const std::string event = Text(5 * kPiece + 7);
  Submit(event);
  ASSERT_THAT(link_.dispatches, SizeIs(1));
  EXPECT_THAT(link_.dispatches[0].event(), IsEmpty());
  EXPECT_EQ(link_.dispatches[0].event_bytes(), event.size());
  EXPECT_THAT(link_.parts, IsEmpty());

  GiveCredit(1, 2 * kPiece);
  EXPECT_THAT(link_.parts, SizeIs(2));
  GiveCredit(1, 0);
  GiveCredit(1, -5);
  GiveCredit(99, 1 << 20);
  EXPECT_THAT(link_.parts, SizeIs(2));
  GiveCredit(1, 1 << 20);
  EXPECT_EQ(link_.EventOf(1), event);
  for (const pb::EventPart& part : link_.parts) {
    EXPECT_LE(part.data().size(), kPiece);
  }
  GiveCredit(1, 1 << 20);
  EXPECT_EQ(link_.EventOf(1), event) << "there is no more";
  EXPECT_THAT(outcomes_, IsEmpty());
}

TEST_F(LargeBodiesTest, RefusedEventGoesToAnotherInstanceFromItsBeginning) {
  const std::string event = Text(3 * kPiece);
  Submit(event);
  GiveCredit(1, 2 * kPiece);
  Reject(1);
  ASSERT_THAT(link_.dispatches, SizeIs(2));
  EXPECT_NE(link_.dispatches[1].instance_id(),
            link_.dispatches[0].instance_id());
  GiveCredit(1, 1 << 20);
  EXPECT_THAT(link_.EventOf(1), SizeIs(2 * kPiece)) << "that one is over";
  GiveCredit(2, 1 << 20);
  EXPECT_EQ(link_.EventOf(2), event);
}

TEST_F(LargeBodiesTest, ClientThatLeavesStopsItsEvent) {
  function_.set_cancel_on_disconnect(true);
  const InvocationPtr invocation = Submit(Text(3 * kPiece));
  GiveCredit(1, kPiece);
  dispatcher_.Cancel(invocation);
  ASSERT_THAT(link_.cancels, SizeIs(1));
  Reject(1);  // As the pool does when the event is not complete.
  ASSERT_THAT(outcomes_, SizeIs(1));
  EXPECT_EQ(outcomes_[0].status().code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(link_.dispatches, SizeIs(1));
}

TEST_F(LargeBodiesTest, SilentPoolNeedNotWaitForTheRest) {
  Submit(Text(3 * kPiece));
  GiveCredit(1, kPiece);
  clock_.Advance(absl::Seconds(8));
  ASSERT_THAT(outcomes_, SizeIs(1));
  EXPECT_TRUE(outcomes_[0]->has_error());
  ASSERT_THAT(link_.cancels, SizeIs(1));
  EXPECT_EQ(link_.cancels[0].dispatch_id(), 1);
  GiveCredit(1, 1 << 20);
  EXPECT_THAT(link_.parts, SizeIs(1));
}

TEST_F(LargeBodiesTest, SilentPoolThatHasTheEventIsLeftAlone) {
  Submit(Text(3 * kPiece));
  GiveCredit(1, 1 << 20);
  clock_.Advance(absl::Seconds(8));
  EXPECT_THAT(outcomes_, SizeIs(1));
  EXPECT_THAT(link_.cancels, IsEmpty());
}

TEST_F(LargeBodiesTest, LostConnectionEndsWhatWasOnItsWay) {
  Submit(Text(3 * kPiece));
  GiveCredit(1, kPiece);
  dispatcher_.OnDisconnected();
  ASSERT_THAT(outcomes_, SizeIs(1));
  EXPECT_EQ(outcomes_[0]->error().code(), "INSTANCE_LOST");
  GiveCredit(1, 1 << 20);
  EXPECT_THAT(link_.parts, SizeIs(1));
}

TEST_F(LargeBodiesTest, BodyInPartsIsPutTogether) {
  Submit("{}");
  const std::string body = Text((6 << 20) - 3);
  SendBody(body);
  // All but the last of it, so that the pool never comes to a stop.
  EXPECT_GE(Granted() + 262144, static_cast<int64_t>(body.size()));
  EXPECT_LE(Granted(), static_cast<int64_t>(body.size()));
  EXPECT_EQ(link_.credits[0].dispatch_id(), 1);
  EXPECT_EQ(link_.credits[0].instance_id(), "inst-1");
  End();
  ASSERT_THAT(outcomes_, SizeIs(1));
  EXPECT_TRUE(outcomes_[0]->body() == body);
  EXPECT_EQ(outcomes_[0]->status_code(), 200);
}

TEST_F(LargeBodiesTest, WholeAnswerToACallThatStreamsIsNoPart) {
  int parts = 0;
  Submit("{}", [&](pb::ResponsePart) { ++parts; });
  const std::string body = Text(2 * kPiece);
  SendBody(body);
  End();
  ASSERT_THAT(outcomes_, SizeIs(1));
  EXPECT_TRUE(outcomes_[0]->body() == body);
  EXPECT_EQ(parts, 0);
}

TEST_F(LargeBodiesTest, HalfABodyIsNone) {
  Submit("{}");
  SendPart(std::string(kPiece, 'x'), 2 * kPiece);
  End();
  ASSERT_THAT(outcomes_, SizeIs(1));
  EXPECT_EQ(outcomes_[0]->error().code(), "INSTANCE_LOST");
  EXPECT_THAT(outcomes_[0]->logs(), testing::Contains("printed"));
}

TEST_F(LargeBodiesTest, TooLargeABodyIsNotKept) {
  Submit("{}");
  SendPart(std::string(kPiece, 'x'), (6 << 20) + 1);
  SendPart(std::string(kPiece, 'x'), (6 << 20) + 1);
  EXPECT_THAT(link_.credits, IsEmpty());
  End();
  ASSERT_THAT(outcomes_, SizeIs(1));
  EXPECT_TRUE(outcomes_[0]->has_error());
}

}  // namespace
}  // namespace so
