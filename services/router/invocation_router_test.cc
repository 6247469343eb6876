#include "services/router/invocation_router.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/testing/manual_clock.h"
#include "base/testing/manual_executor.h"
#include "base/testing/status_matchers.h"
#include "services/registry/client/testing/fake_function_directory.h"

namespace so {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// A pool with one instance for every start; tests answer its calls.
class FakeNode final : public NodeLink {
 public:
  void Attach(Listener& listener) {
    listener_ = &listener;
    listener.OnConnected({});
  }
  void Start(serverless::pool::v1::StartInstance start) override {
    serverless::pool::v1::InstanceUpdate update;
    update.set_instance_id(absl::StrCat("inst-", ++last_));
    update.set_function_id(start.function_id());
    update.set_version(start.version());
    update.set_start_id(start.start_id());
    update.set_state(serverless::pool::v1::INSTANCE_STATE_WARM);
    listener_->OnInstance(update);
  }
  void Dispatch(serverless::pool::v1::Dispatch dispatch) override {
    running.push_back(std::move(dispatch));
  }
  void SendEvent(serverless::pool::v1::EventPart) override {}
  void Grant(serverless::pool::v1::Credit) override {}
  void Cancel(serverless::pool::v1::Cancel cancel) override {
    cancelled.push_back(cancel.dispatch_id());
  }

  // The call dispatched last ends.
  void Answer(const std::string& body, const std::string& error = "") {
    serverless::pool::v1::Result result;
    result.set_dispatch_id(running.back().dispatch_id());
    result.set_instance_id(running.back().instance_id());
    result.set_status_code(200);
    result.set_body(body);
    if (!error.empty()) {
      *result.mutable_error() = MakeError(error, "because", "maybe");
    }
    result.set_instance_free(error.empty());
    running.pop_back();
    listener_->OnResult(result);
  }

  std::vector<serverless::pool::v1::Dispatch> running;
  std::vector<uint64_t> cancelled;

 private:
  Listener* listener_ = nullptr;
  int last_ = 0;
};

class InvocationRouterTest : public testing::Test {
 protected:
  struct Call {
    std::shared_ptr<InvocationRouter::Ticket> ticket;
    std::vector<absl::StatusOr<Receipt>> outcomes;

    bool done() const { return !outcomes.empty(); }
    const Receipt& receipt() const { return *outcomes.at(0); }
    absl::Status status() const { return outcomes.at(0).status(); }
  };

  InvocationRouterTest()
      : dispatcher_({}, clock_, clock_, node_, Logger("ROUTER")),
        admission_({.per_client = {.rate = 0.1, .burst = 3}}, clock_),
        statistics_("router-1", absl::Seconds(60), clock_),
        logs_({}),
        idempotency_({}, clock_),
        router_(directory_, admission_, dispatcher_, idempotency_, statistics_,
                logs_, clock_, worker_) {
    directory_.Subscribe(router_);
    function_.set_id("fn-1");
    function_.set_name("hello");
    function_.set_version(1);
    function_.set_timeout(1000);
    function_.set_max_instances(1);
    directory_.Put(function_);
    node_.Attach(dispatcher_);
  }

  // Every call must be answered exactly once, or not at all.
  void TearDown() override {
    for (const auto& call : calls_) EXPECT_LE(call->outcomes.size(), 1u);
  }

  Call& Invoke(InvocationRouter::Call request) {
    Call& call = *calls_.emplace_back(std::make_unique<Call>());
    call.ticket = router_.Invoke(std::move(request),
                                 [&call](absl::StatusOr<Receipt> outcome) {
                                   call.outcomes.push_back(std::move(outcome));
                                 });
    return call;
  }
  Call& InvokeOnce(const std::string& key, const std::string& event = "",
                   const std::string& client = "",
                   const std::string& function = "hello") {
    return Invoke({.function = function,
                   .event = event,
                   .client = client,
                   .idempotency_key = key});
  }

  ManualClock clock_;
  FakeNode node_;
  Dispatcher dispatcher_;
  Admission admission_;
  Statistics statistics_;
  LogStore logs_;
  IdempotencyStore idempotency_;
  FakeFunctionDirectory directory_;
  ManualExecutor worker_;
  InvocationRouter router_;
  serverless::function::v1::Function function_;
  std::vector<std::unique_ptr<Call>> calls_;
};

TEST_F(InvocationRouterTest, CallsWithTheSameKeyRunOnce) {
  Call& first = InvokeOnce("key");
  Call& second = InvokeOnce("key");
  ASSERT_THAT(node_.running, SizeIs(1));
  const std::string request_id = node_.running[0].request_id();
  node_.Answer("1");
  Call& third = InvokeOnce("key");
  EXPECT_THAT(node_.running, IsEmpty());
  EXPECT_FALSE(first.receipt().replayed());
  for (const Call* again : {&second, &third}) {
    EXPECT_EQ(again->receipt().body(), "1");
    EXPECT_EQ(again->receipt().request_id(), request_id);
    EXPECT_TRUE(again->receipt().replayed());
  }
  EXPECT_THAT(logs_.List("fn-1", "", absl::InfinitePast(), 10), SizeIs(1));
}

TEST_F(InvocationRouterTest, CallsWithoutAKeyRunEachTime) {
  Invoke({.function = "hello"});
  node_.Answer("1");
  Call& again = Invoke({.function = "hello"});
  ASSERT_THAT(node_.running, SizeIs(1));
  node_.Answer("2");
  EXPECT_EQ(again.receipt().body(), "2");
  EXPECT_EQ(idempotency_.bytes(), 0);
}

TEST_F(InvocationRouterTest, AKeyBelongsToTheFunctionHoweverItIsCalled) {
  InvokeOnce("key", "{}", "", "hello");
  node_.Answer("1");
  EXPECT_EQ(InvokeOnce("key", "{}", "", "fn-1").receipt().body(), "1");
  EXPECT_EQ(InvokeOnce("key", "{}", "", "fn-1:1").receipt().body(), "1");
}

TEST_F(InvocationRouterTest, AnEmptyEventIsAnEmptyObjectToAKey) {
  InvokeOnce("key", "");
  node_.Answer("1");
  EXPECT_EQ(InvokeOnce("key", "{}").receipt().body(), "1");
  EXPECT_THAT(InvokeOnce("key", "1").status(),
              HasErrorCode("IDEMPOTENCY_MISMATCH"));
}

TEST_F(InvocationRouterTest, BadKeysAreRefusedByField) {
  for (const std::string& key :
       {std::string(256, 'x'), std::string("a\nb"), std::string("\xc3\xbc")}) {
    const absl::Status status = InvokeOnce(key).status();
    EXPECT_THAT(status, HasErrorCode("INVALID_ARGUMENT"));
    EXPECT_EQ(ErrorFromStatus(status).details(0).field(), "idempotencyKey");
    EXPECT_EQ(ErrorFromStatus(status).executed(), "no");
  }
  EXPECT_FALSE(InvokeOnce(std::string(255, '~')).done());
}

TEST_F(InvocationRouterTest, JoinedAndReplayedCallsTakeNoPlaceButCount) {
  function_.set_concurrency_limit(1);
  directory_.Put(function_);
  InvokeOnce("key", "{}", "alice");
  Call& joined = InvokeOnce("key", "{}", "alice");
  EXPECT_FALSE(joined.done());
  EXPECT_THAT(InvokeOnce("other", "{}").status(),
              HasErrorCode("CONCURRENCY_LIMIT"));
  node_.Answer("1");
  EXPECT_EQ(InvokeOnce("key", "{}", "alice").receipt().body(), "1");
  EXPECT_THAT(InvokeOnce("key", "{}", "alice").status(),
              HasErrorCode("RATE_LIMITED"));
  EXPECT_EQ(InvokeOnce("key", "{}", "bob").receipt().body(), "1");
  // It was refused before it ran, so its key is free.
  EXPECT_FALSE(InvokeOnce("other", "{}").done());
  EXPECT_THAT(node_.running, SizeIs(1));
}

TEST_F(InvocationRouterTest, WhoIsLeftGetsTheAnswerOfTheFirst) {
  function_.set_cancel_on_disconnect(true);
  directory_.Put(function_);
  Call& first = InvokeOnce("key");
  Call& second = InvokeOnce("key");
  router_.Cancel(*first.ticket);
  EXPECT_THAT(first.status(), HasCode(absl::StatusCode::kCancelled));
  EXPECT_THAT(node_.cancelled, IsEmpty());
  node_.Answer("1");
  EXPECT_EQ(second.receipt().body(), "1");
}

TEST_F(InvocationRouterTest, ARunIsStoppedWhenAllWhoSentItHaveGone) {
  function_.set_cancel_on_disconnect(true);
  directory_.Put(function_);
  Call& first = InvokeOnce("key");
  Call& second = InvokeOnce("key");
  router_.Cancel(*first.ticket);
  router_.Cancel(*second.ticket);
  ASSERT_THAT(node_.cancelled, SizeIs(1));
  node_.Answer("", "CANCELLED");
  // It may have done something: it is not run again.
  EXPECT_EQ(InvokeOnce("key").receipt().error().code(), "CANCELLED");
}

TEST_F(InvocationRouterTest, AQueuedRunIsDroppedWhenAllWhoSentItHaveGone) {
  Invoke({.function = "hello"});
  Call& first = InvokeOnce("key");
  Call& second = InvokeOnce("key");
  router_.Cancel(*first.ticket);
  EXPECT_EQ(dispatcher_.Loads()["fn-1"].queue_depth, 1);
  router_.Cancel(*second.ticket);
  EXPECT_EQ(dispatcher_.Loads()["fn-1"].queue_depth, 0);
  Call& again = InvokeOnce("key");
  EXPECT_FALSE(again.done());
  node_.Answer("0");
  node_.Answer("1");
  EXPECT_EQ(again.receipt().body(), "1");
}

TEST_F(InvocationRouterTest, ARunThatGoesOnAloneAnswersTheNextCall) {
  Call& first = InvokeOnce("key");
  router_.Cancel(*first.ticket);
  EXPECT_THAT(node_.cancelled, IsEmpty());
  Call& again = InvokeOnce("key");
  node_.Answer("1");
  EXPECT_EQ(again.receipt().body(), "1");
}

TEST_F(InvocationRouterTest, DrainRefusesWhatHasNotRunAndTellsTheJoined) {
  Invoke({.function = "hello"});
  Call& first = InvokeOnce("key");
  Call& second = InvokeOnce("key");
  dispatcher_.Drain(absl::ZeroDuration());
  EXPECT_THAT(first.status(), HasErrorCode("UNAVAILABLE"));
  EXPECT_THAT(second.status(), HasErrorCode("UNAVAILABLE"));
}

TEST_F(InvocationRouterTest, DeletedFunctionTellsAllWhoWait) {
  Invoke({.function = "hello"});
  Call& first = InvokeOnce("key");
  Call& second = InvokeOnce("key");
  directory_.Delete("fn-1");
  EXPECT_THAT(first.status(), HasErrorCode("NOT_FOUND"));
  EXPECT_THAT(second.status(), HasErrorCode("NOT_FOUND"));
  EXPECT_THAT(InvokeOnce("key").status(), HasErrorCode("NOT_FOUND"));
}

TEST_F(InvocationRouterTest, DisconnectStopsTheCallsOfFunctionsThatWantIt) {
  function_.set_cancel_on_disconnect(true);
  directory_.Put(function_);
  Call& call = Invoke({.function = "hello", .request_id = "gone"});
  router_.Cancel(*call.ticket);
  EXPECT_THAT(node_.cancelled, ElementsAre(node_.running.back().dispatch_id()));
  EXPECT_FALSE(call.done());
  node_.Answer("", "CANCELLED");
  // Nobody waits, but it is written down.
  const auto logs = logs_.List("fn-1", "gone", absl::InfinitePast(), 10);
  ASSERT_THAT(logs, SizeIs(1));
  EXPECT_EQ(logs[0].error_code(), "CANCELLED");
  EXPECT_EQ(statistics_.Snapshot({}).functions(0).errors(), 1);
}

// JSON that is large enough to be checked elsewhere.
std::string LargeEvent(size_t bytes = 300 << 10) {
  return "\"" + std::string(bytes - 2, 'x') + "\"";
}

TEST_F(InvocationRouterTest, LargeEventIsCheckedElsewhere) {
  worker_.hold = true;
  Call& large = Invoke({.function = "hello", .event = LargeEvent()});
  EXPECT_THAT(node_.running, IsEmpty());
  Call& small = Invoke({.function = "hello", .event = "1"});
  ASSERT_THAT(node_.running, SizeIs(1)) << "nobody waits for it";
  node_.Answer("1");
  EXPECT_TRUE(small.done());
  worker_.Run();
  ASSERT_THAT(node_.running, SizeIs(1));
  EXPECT_EQ(node_.running[0].event_bytes(), 300 << 10);
  node_.Answer("2");
  EXPECT_EQ(large.receipt().body(), "2");
}

TEST_F(InvocationRouterTest, LargeEventThatIsNotJsonIsRefused) {
  worker_.hold = true;
  Call& call =
      Invoke({.function = "hello", .event = std::string(300 << 10, 'x')});
  EXPECT_FALSE(call.done());
  worker_.Run();
  EXPECT_THAT(call.status(), HasErrorCode("INVALID_ARGUMENT"));
  EXPECT_THAT(node_.running, IsEmpty());
}

TEST_F(InvocationRouterTest, ClientThatLeavesDuringTheCheckNeverRuns) {
  worker_.hold = true;
  Call& call = Invoke({.function = "hello", .event = LargeEvent()});
  Call& keyed = InvokeOnce("key", LargeEvent());
  router_.Cancel(*call.ticket);
  router_.Cancel(*keyed.ticket);
  EXPECT_FALSE(call.done());
  worker_.Run();
  EXPECT_EQ(call.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(keyed.status().code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(node_.running, IsEmpty());
  EXPECT_EQ(idempotency_.bytes(), 0);
}

TEST_F(InvocationRouterTest, RouterThatShutsDownRefusesWhatWasBeingChecked) {
  worker_.hold = true;
  Call& call = Invoke({.function = "hello", .event = LargeEvent()});
  dispatcher_.Drain(absl::ZeroDuration());
  worker_.Run();
  EXPECT_THAT(call.status(), HasErrorCode("UNAVAILABLE"));
}

TEST_F(InvocationRouterTest, FunctionDeletedDuringTheCheckIsNotFound) {
  worker_.hold = true;
  Call& call = Invoke({.function = "hello", .event = LargeEvent()});
  directory_.Delete("fn-1");
  worker_.Run();
  EXPECT_THAT(call.status(), HasErrorCode("NOT_FOUND"));
}

TEST_F(InvocationRouterTest, OnlySoMuchWaitsToBeChecked) {
  worker_.hold = true;
  for (int i = 0; i < 12; ++i) {
    Invoke({.function = "hello", .event = LargeEvent(6 << 20)});
  }
  // 60 of 64 MiB; the others are checked where they came in.
  EXPECT_THAT(worker_.waiting, SizeIs(10));
  ASSERT_THAT(node_.running, SizeIs(1));
  node_.Answer("1");
  worker_.Run();
  Invoke({.function = "hello", .event = LargeEvent()});
  EXPECT_THAT(worker_.waiting, SizeIs(1)) << "there is room again";
}

}  // namespace
}  // namespace so
