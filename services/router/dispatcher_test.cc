#include "services/router/dispatcher.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/testing/manual_clock.h"
#include "base/testing/status_matchers.h"

namespace so {
namespace {

using serverless::pool::v1::Dispatch;
using serverless::pool::v1::InstanceState;
using serverless::pool::v1::InstanceUpdate;
using serverless::pool::v1::PoolHello;
using serverless::pool::v1::Rejected;
using serverless::pool::v1::Result;
using serverless::pool::v1::Started;
using serverless::pool::v1::StartFailed;
using serverless::pool::v1::StartInstance;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class FakeNodeLink final : public NodeLink {
 public:
  void Start(StartInstance start) override { starts.push_back(start); }
  void Dispatch(serverless::pool::v1::Dispatch dispatch) override {
    dispatches.push_back(dispatch);
  }
  void SendEvent(serverless::pool::v1::EventPart part) override {
    events.push_back(std::move(part));
  }
  void Cancel(serverless::pool::v1::Cancel cancel) override {
    cancels.push_back(cancel);
  }
  void Grant(serverless::pool::v1::Credit credit) override {
    credits.push_back(credit);
  }

  std::vector<StartInstance> starts;
  std::vector<serverless::pool::v1::Dispatch> dispatches;
  std::vector<serverless::pool::v1::Cancel> cancels;
  std::vector<serverless::pool::v1::Credit> credits;
  std::vector<serverless::pool::v1::EventPart> events;
};

class DispatcherTest : public testing::Test {
 protected:
  struct Call {
    InvocationPtr invocation;
    std::vector<absl::StatusOr<Receipt>> outcomes;

    bool done() const { return !outcomes.empty(); }
    const Receipt& receipt() const { return *outcomes.at(0); }
    absl::Status status() const { return outcomes.at(0).status(); }
  };

  DispatcherTest()
      : dispatcher_({.queue_depth = 3, .queue_wait = absl::Seconds(10)}, clock_,
                    clock_, link_, Logger("ROUTER")) {
    function_.set_id("fn-1");
    function_.set_name("hello");
    function_.set_version(1);
    function_.set_timeout(2000);
    function_.set_max_instances(10);
    dispatcher_.OnConnected(PoolHello());
  }

  // Every call must end exactly once, or not at all.
  void TearDown() override {
    for (const auto& call : calls_) EXPECT_LE(call->outcomes.size(), 1u);
  }

  Call& Submit(const std::string& request_id,
               absl::Time deadline = absl::InfiniteFuture(),
               PartArrived on_part = nullptr) {
    Call& call = *calls_.emplace_back(std::make_unique<Call>());
    call.invocation = std::make_shared<Invocation>();
    call.invocation->on_part = std::move(on_part);
    call.invocation->request_id = request_id;
    call.invocation->function =
        std::make_shared<const serverless::function::v1::Function>(function_);
    call.invocation->event = "{}";
    call.invocation->enqueued = clock_.Now();
    call.invocation->client_deadline = deadline;
    call.invocation->done = [&call](absl::StatusOr<Receipt> outcome) {
      call.outcomes.push_back(std::move(outcome));
    };
    dispatcher_.Submit(call.invocation);
    return call;
  }

  void Update(const std::string& instance_id, InstanceState state,
              const std::string& start_id = "") {
    InstanceUpdate update;
    update.set_instance_id(instance_id);
    update.set_function_id("fn-1");
    update.set_version(function_.version());
    update.set_state(state);
    update.set_start_id(start_id);
    if (state == serverless::pool::v1::INSTANCE_STATE_WARM) {
      update.set_start_ms(30);
      update.set_init_ms(10);
    }
    dispatcher_.OnInstance(update);
  }
  void Warming(const std::string& id, const std::string& start_id = "") {
    Update(id, serverless::pool::v1::INSTANCE_STATE_WARMING, start_id);
  }
  void Warm(const std::string& id, const std::string& start_id = "") {
    Update(id, serverless::pool::v1::INSTANCE_STATE_WARM, start_id);
  }
  void Terminating(const std::string& id) {
    Update(id, serverless::pool::v1::INSTANCE_STATE_TERMINATING);
  }
  // The latest dispatch of a call to an instance; 0 when there was none.
  uint64_t DispatchOf(const std::string& instance_id,
                      const std::string& request_id) const {
    uint64_t id = 0;
    for (const Dispatch& dispatch : link_.dispatches) {
      if (dispatch.instance_id() == instance_id &&
          dispatch.request_id() == request_id) {
        id = dispatch.dispatch_id();
      }
    }
    return id;
  }
  void Answer(const std::string& instance_id, const std::string& request_id,
              bool instance_free = true) {
    Result result;
    result.set_dispatch_id(DispatchOf(instance_id, request_id));
    result.set_instance_id(instance_id);
    result.set_request_id(request_id);
    result.set_status_code(200);
    result.set_body("\"ok\"");
    result.add_logs("printed");
    result.set_duration(1.5);
    result.set_instance_free(instance_free);
    dispatcher_.OnResult(result);
  }
  void Reject(const std::string& instance_id, const std::string& request_id) {
    Rejected rejected;
    rejected.set_dispatch_id(DispatchOf(instance_id, request_id));
    rejected.set_instance_id(instance_id);
    rejected.set_request_id(request_id);
    rejected.set_reason("unknown-instance");
    dispatcher_.OnRejected(rejected);
  }
  void FailStart(const std::string& start_id, const std::string& code) {
    StartFailed failure;
    failure.set_start_id(start_id);
    failure.set_function_id("fn-1");
    failure.set_version(function_.version());
    failure.mutable_error()->set_code(code);
    failure.mutable_error()->set_message("because");
    failure.add_logs("trace");
    dispatcher_.OnStartFailed(failure);
  }

  ManualClock clock_;
  FakeNodeLink link_;
  Dispatcher dispatcher_;
  serverless::function::v1::Function function_;
  std::vector<std::unique_ptr<Call>> calls_;
};

TEST_F(DispatcherTest, ColdCallAsksForAStartAndRunsOnIt) {
  Call& call = Submit("req-1");
  ASSERT_THAT(link_.starts, SizeIs(1));
  EXPECT_EQ(link_.starts[0].function_id(), "fn-1");
  Warming("inst-1", link_.starts[0].start_id());
  clock_.Advance(absl::Milliseconds(50));
  Warm("inst-1", link_.starts[0].start_id());
  ASSERT_THAT(link_.dispatches, SizeIs(1));
  EXPECT_EQ(link_.dispatches[0].instance_id(), "inst-1");
  EXPECT_EQ(link_.dispatches[0].timeout(), 2000);
  Answer("inst-1", "req-1");
  ASSERT_TRUE(call.done());
  const Receipt& receipt = call.receipt();
  EXPECT_TRUE(receipt.cold_start());
  EXPECT_EQ(receipt.body(), "\"ok\"");
  EXPECT_EQ(receipt.duration(), 1.5);
  EXPECT_EQ(receipt.phases().start(), 30);
  EXPECT_EQ(receipt.phases().init(), 10);
  EXPECT_NEAR(receipt.phases().queue(), 10, 1e-6);
  EXPECT_THAT(
      receipt.logs(),
      ElementsAre("[START] Request req-1", "[INFO] Function: hello (fn-1)",
                  "[INFO] Instance: inst-1", "printed", "[END] Request req-1"));
}

TEST_F(DispatcherTest, WarmCallAsksForNothingAndIsNotCold) {
  Warm("inst-1");
  Call& call = Submit("req-1");
  EXPECT_THAT(link_.starts, IsEmpty());
  Answer("inst-1", "req-1");
  ASSERT_TRUE(call.done());
  EXPECT_FALSE(call.receipt().cold_start());
  EXPECT_EQ(call.receipt().phases().start(), 0);
}

TEST_F(DispatcherTest, SecondCallOnAColdStartedInstanceIsNotCold) {
  Submit("req-1");
  clock_.Advance(absl::Milliseconds(40));
  Warm("inst-1", link_.starts[0].start_id());
  Answer("inst-1", "req-1");
  Call& second = Submit("req-2");
  Answer("inst-1", "req-2");
  EXPECT_FALSE(second.receipt().cold_start());
}

TEST_F(DispatcherTest, QueueIsFirstInFirstOutAndBindingIsLate) {
  function_.set_max_instances(1);
  Warm("inst-1");
  Submit("req-1");
  Submit("req-2");
  Submit("req-3");
  EXPECT_THAT(link_.dispatches, SizeIs(1));
  Answer("inst-1", "req-1");
  Answer("inst-1", "req-2");
  ASSERT_THAT(link_.dispatches, SizeIs(3));
  EXPECT_EQ(link_.dispatches[1].request_id(), "req-2");
  EXPECT_EQ(link_.dispatches[2].request_id(), "req-3");
}

TEST_F(DispatcherTest, HeadGoesToWhicheverInstanceIsFreeFirst) {
  Warm("inst-1");
  Submit("req-1");
  Submit("req-2");  // Asks for a start, but inst-1 is free before it is warm.
  ASSERT_THAT(link_.starts, SizeIs(1));
  Answer("inst-1", "req-1");
  ASSERT_THAT(link_.dispatches, SizeIs(2));
  EXPECT_EQ(link_.dispatches[1].instance_id(), "inst-1");
}

TEST_F(DispatcherTest, ReuseIsLastInFirstOut) {
  Warm("inst-1");
  Warm("inst-2");
  Submit("req-1");
  Submit("req-2");
  Answer("inst-1", "req-1");
  Answer("inst-2", "req-2");
  Submit("req-3");
  EXPECT_EQ(link_.dispatches[2].instance_id(), "inst-2");
}

TEST_F(DispatcherTest, AnInstanceStartedAheadOfDemandWaitsBelowTheUsedOnes) {
  Warm("inst-1");
  Submit("req-1");
  Answer("inst-1", "req-1");
  Warm("inst-2");
  Submit("req-2");
  EXPECT_EQ(link_.dispatches.back().instance_id(), "inst-1");
}

TEST_F(DispatcherTest, OneStartForEachWaitingCallUpToMaxInstances) {
  function_.set_max_instances(2);
  Submit("req-1");
  Submit("req-2");
  Submit("req-3");
  EXPECT_THAT(link_.starts, SizeIs(2));
}

TEST_F(DispatcherTest, StartsThatOthersAskedForCount) {
  Warming("inst-1");  // Warm-up by the pool itself.
  Call& call = Submit("req-1");
  EXPECT_THAT(link_.starts, IsEmpty());
  clock_.Advance(absl::Milliseconds(40));
  Warm("inst-1");
  Answer("inst-1", "req-1");
  EXPECT_TRUE(call.receipt().cold_start());
}

TEST_F(DispatcherTest, FullQueueRefusesAndSaysWhenToRetry) {
  Submit("req-1");
  Submit("req-2");
  Submit("req-3");
  Call& refused = Submit("req-4");
  ASSERT_TRUE(refused.done());
  EXPECT_THAT(refused.status(), HasErrorCode("QUEUE_FULL"));
  EXPECT_GE(ErrorFromStatus(refused.status()).retry_after(), 1);
  EXPECT_EQ(ErrorFromStatus(refused.status()).executed(), "no");
}

TEST_F(DispatcherTest, RetryAfterFollowsThePaceOfTheQueue) {
  function_.set_max_instances(1);
  Warm("inst-1");
  Submit("req-0");
  for (int i = 1; i <= 10; ++i) {
    Submit(absl::StrCat("req-", i));
    clock_.Advance(absl::Seconds(4));
    Answer("inst-1", absl::StrCat("req-", i - 1));
  }
  for (int i = 0; i < 3; ++i) Submit("waits");
  Call& refused = Submit("refused");
  EXPECT_THAT(refused.status(), HasErrorCode("QUEUE_FULL"));
  // Three wait, and it takes four seconds each.
  const double retry_after = ErrorFromStatus(refused.status()).retry_after();
  EXPECT_GE(retry_after, 9);
  EXPECT_LE(retry_after, 14);
}

TEST_F(DispatcherTest, WaitingInVainNamesTheLayerThatGaveUp) {
  function_.set_max_instances(1);
  Warm("inst-1");
  Submit("req-1");
  Call& waiting = Submit("req-2");
  clock_.Advance(absl::Seconds(11));
  ASSERT_TRUE(waiting.done());
  EXPECT_THAT(waiting.status(), HasErrorCode("QUEUE_TIMEOUT"));
  EXPECT_THAT(std::string(waiting.status().message()),
              HasSubstr("the router found no free instance of hello"));
}

TEST_F(DispatcherTest, ClientDeadlineShortensWaitAndTimeout) {
  function_.set_max_instances(1);
  Warm("inst-1");
  Submit("req-1", clock_.Now() + absl::Milliseconds(700));
  EXPECT_EQ(link_.dispatches[0].timeout(), 700);
  Call& waiting = Submit("req-2", clock_.Now() + absl::Milliseconds(300));
  clock_.Advance(absl::Milliseconds(301));
  EXPECT_THAT(waiting.status(), HasErrorCode("QUEUE_TIMEOUT"));
}

TEST_F(DispatcherTest, CallWhoseTimeIsOverDoesNotRun) {
  Warm("inst-1");
  Call& call = Submit("req-1", clock_.Now());
  ASSERT_TRUE(call.done());
  EXPECT_THAT(call.status(), HasErrorCode("QUEUE_TIMEOUT"));
  EXPECT_EQ(ErrorFromStatus(call.status()).executed(), "no");
  EXPECT_THAT(link_.dispatches, IsEmpty());
}

TEST_F(DispatcherTest, WaitingCallWhoseTimeIsOverIsPassedBy) {
  function_.set_max_instances(1);
  Warm("inst-1");
  Submit("req-1");
  const absl::Duration left = absl::Milliseconds(300);
  // Its instance is free at the very moment when the time is over, and that is
  // heard of before the timer.
  clock_.Schedule(left, [this] { Answer("inst-1", "req-1"); });
  Call& spent = Submit("req-2", clock_.Now() + left);
  Submit("req-3");
  clock_.Advance(left);
  EXPECT_THAT(spent.status(), HasErrorCode("QUEUE_TIMEOUT"));
  EXPECT_EQ(link_.dispatches.back().request_id(), "req-3");
}

TEST_F(DispatcherTest, CallRefusedBeforeItStartedGoesElsewhereFirst) {
  Warm("inst-1");
  Call& call = Submit("req-1");
  Warm("inst-2");
  Reject("inst-1", "req-1");
  ASSERT_THAT(link_.dispatches, SizeIs(2));
  EXPECT_EQ(link_.dispatches[1].instance_id(), "inst-2");
  Answer("inst-2", "req-1");
  EXPECT_TRUE(call.outcomes.at(0).ok());
}

TEST_F(DispatcherTest, AttemptsAreBounded) {
  Warm("inst-1");
  Call& call = Submit("req-1");
  Reject("inst-1", "req-1");
  Warm("inst-2");
  Reject("inst-2", "req-1");
  Warm("inst-3");
  Reject("inst-3", "req-1");
  ASSERT_TRUE(call.done());
  EXPECT_THAT(call.status(), HasErrorCode("UNAVAILABLE"));
  EXPECT_EQ(ErrorFromStatus(call.status()).executed(), "no");
}

TEST_F(DispatcherTest, ANodeThatRefusesEverythingIsNotFlooded) {
  int refused = 0, retried = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string request = absl::StrCat("req-", i);
    Warm("inst-1");
    Call& call = Submit(request);
    Reject("inst-1", request);
    if (call.done()) {
      EXPECT_THAT(call.status(), HasErrorCode("UNAVAILABLE"));
      EXPECT_EQ(ErrorFromStatus(call.status()).executed(), "no");
      EXPECT_TRUE(ErrorFromStatus(call.status()).retryable());
      ++refused;
      continue;
    }
    ++retried;
    Warm("inst-2");
    Answer("inst-2", request, /*instance_free=*/false);
    EXPECT_TRUE(call.outcomes.at(0).ok());
  }
  // The ten to begin with, and a tenth of the calls.
  EXPECT_EQ(retried, 30);
  EXPECT_EQ(refused, 170);
}

TEST_F(DispatcherTest, StartedCallIsNeverRunAgain) {
  Warm("inst-1");
  Warm("inst-2");
  Call& call = Submit("req-1");
  Started started;
  started.set_dispatch_id(DispatchOf("inst-1", "req-1"));
  started.set_instance_id("inst-1");
  started.set_request_id("req-1");
  dispatcher_.OnStarted(started);
  Reject("inst-1", "req-1");
  ASSERT_TRUE(call.done());
  EXPECT_EQ(call.receipt().error().code(), "INSTANCE_LOST");
  EXPECT_EQ(call.receipt().error().executed(), "maybe");
  EXPECT_THAT(link_.dispatches, SizeIs(1));
}

TEST_F(DispatcherTest, LostPoolEndsRunningCallsAndKeepsQueuedOnes) {
  function_.set_max_instances(1);
  Warm("inst-1");
  Call& running = Submit("req-1");
  Call& queued = Submit("req-2");
  dispatcher_.OnDisconnected();
  ASSERT_TRUE(running.done());
  EXPECT_EQ(running.receipt().error().code(), "INSTANCE_LOST");
  EXPECT_EQ(running.receipt().error().executed(), "maybe");
  EXPECT_FALSE(queued.done());
  const size_t starts = link_.starts.size();
  dispatcher_.OnConnected(PoolHello());
  ASSERT_EQ(link_.starts.size(), starts + 1);
  Warm("inst-1", link_.starts.back().start_id());
  Answer("inst-1", "req-2");
  EXPECT_TRUE(queued.outcomes.at(0).ok());
}

TEST_F(DispatcherTest, WithoutAPoolWaitingEndsUnavailable) {
  dispatcher_.OnDisconnected();
  Call& call = Submit("req-1");
  EXPECT_THAT(link_.starts, IsEmpty());
  clock_.Advance(absl::Seconds(11));
  EXPECT_THAT(call.status(), HasErrorCode("UNAVAILABLE"));
}

TEST_F(DispatcherTest, EachFailedInitTellsOneCall) {
  Call& first = Submit("req-1");
  Call& second = Submit("req-2");
  Warming("inst-1", link_.starts[0].start_id());
  FailStart(link_.starts[0].start_id(), "FUNCTION_INIT_FAILED");
  Terminating("inst-1");
  ASSERT_TRUE(first.done());
  EXPECT_EQ(first.receipt().error().code(), "FUNCTION_INIT_FAILED");
  EXPECT_THAT(first.receipt().logs(), Contains("trace"));
  EXPECT_FALSE(second.done());
  EXPECT_THAT(link_.starts, SizeIs(2));  // The second one's is still coming.
}

TEST_F(DispatcherTest, FailedInitLeavesCallsToInstancesThatWork) {
  Warm("inst-1");
  Submit("req-1");
  Call& queued = Submit("req-2");
  FailStart(link_.starts[0].start_id(), "FUNCTION_INIT_FAILED");
  EXPECT_FALSE(queued.done());
}

TEST_F(DispatcherTest, NoCapacityIsTriedAgainUntilTheWaitIsOver) {
  Call& call = Submit("req-1");
  FailStart(link_.starts[0].start_id(), "NO_CAPACITY");
  EXPECT_THAT(link_.starts, SizeIs(1));
  clock_.Advance(absl::Milliseconds(150));
  ASSERT_THAT(link_.starts, SizeIs(2));
  FailStart(link_.starts[1].start_id(), "NO_CAPACITY");
  clock_.Advance(absl::Seconds(11));
  ASSERT_TRUE(call.done());
  EXPECT_THAT(call.status(), HasErrorCode("NO_CAPACITY"));
  EXPECT_GE(ErrorFromStatus(call.status()).retry_after(), 1);
}

TEST_F(DispatcherTest, InstanceThatTerminatesWhileIdleGetsNoCalls) {
  Warm("inst-1");
  Warm("inst-2");
  Terminating("inst-2");
  Submit("req-1");
  EXPECT_EQ(link_.dispatches[0].instance_id(), "inst-1");
}

TEST_F(DispatcherTest, InstanceThatIsNotFreeAfterItsCallGetsNoMore) {
  Warm("inst-1");
  Submit("req-1");
  Terminating("inst-1");
  Answer("inst-1", "req-1", /*instance_free=*/false);
  Submit("req-2");
  EXPECT_THAT(link_.dispatches, SizeIs(1));
  EXPECT_THAT(link_.starts, SizeIs(1));
}

TEST_F(DispatcherTest, CancelDropsAQueuedCallAndLeavesARunningOne) {
  function_.set_max_instances(1);
  Warm("inst-1");
  Call& running = Submit("req-1");
  Call& queued = Submit("req-2");
  dispatcher_.Cancel(queued.invocation);
  dispatcher_.Cancel(running.invocation);
  EXPECT_THAT(queued.status(), HasCode(absl::StatusCode::kCancelled));
  EXPECT_FALSE(running.done());
  Answer("inst-1", "req-1");
  EXPECT_TRUE(running.done());
  EXPECT_THAT(link_.dispatches, SizeIs(1));
}

TEST_F(DispatcherTest, CancelStopsARunningCallWhoseFunctionWantsIt) {
  function_.set_cancel_on_disconnect(true);
  Warm("inst-1");
  Call& call = Submit("req-1");
  dispatcher_.Cancel(call.invocation);
  ASSERT_THAT(link_.cancels, SizeIs(1));
  EXPECT_EQ(link_.cancels[0].dispatch_id(), DispatchOf("inst-1", "req-1"));
  EXPECT_EQ(link_.cancels[0].instance_id(), "inst-1");
  EXPECT_FALSE(call.done());
  Result result;
  result.set_dispatch_id(DispatchOf("inst-1", "req-1"));
  result.mutable_error()->set_code("CANCELLED");
  dispatcher_.OnResult(result);
  EXPECT_EQ(call.receipt().error().code(), "CANCELLED");
  dispatcher_.Cancel(call.invocation);  // Too late: nothing to stop.
  EXPECT_THAT(link_.cancels, SizeIs(1));
}

TEST_F(DispatcherTest, CancelOfAQueuedCallAsksThePoolForNothing) {
  function_.set_cancel_on_disconnect(true);
  function_.set_max_instances(1);
  Warm("inst-1");
  Submit("req-1");
  Call& queued = Submit("req-2");
  dispatcher_.Cancel(queued.invocation);
  EXPECT_THAT(queued.status(), HasCode(absl::StatusCode::kCancelled));
  EXPECT_THAT(link_.cancels, IsEmpty());
}

TEST_F(DispatcherTest, CallWhoseClientHasGoneIsNotTriedAgain) {
  Warm("inst-1");
  Warm("inst-2");
  Call& call = Submit("req-1");
  dispatcher_.Cancel(call.invocation);
  Reject("inst-1", "req-1");
  EXPECT_THAT(call.status(), HasCode(absl::StatusCode::kCancelled));
  EXPECT_THAT(link_.dispatches, SizeIs(1));
}

TEST_F(DispatcherTest, SilentPoolEndsTheCall) {
  Warm("inst-1");
  Call& call = Submit("req-1");
  clock_.Advance(absl::Seconds(8));
  ASSERT_TRUE(call.done());
  EXPECT_EQ(call.receipt().error().code(), "FUNCTION_TIMEOUT");
  EXPECT_EQ(call.receipt().error().executed(), "maybe");
  Answer("inst-1", "req-1");  // Too late: ignored.
}

TEST_F(DispatcherTest, DeletedFunctionEndsItsQueuedCalls) {
  Call& call = Submit("req-1");
  dispatcher_.ForgetFunction("fn-1");
  EXPECT_THAT(call.status(), HasErrorCode("NOT_FOUND"));
}

TEST_F(DispatcherTest, DrainEndsQueuedCallsAndRefusesNewOnes) {
  Call& queued = Submit("req-1");
  dispatcher_.Drain(absl::ZeroDuration());
  EXPECT_THAT(queued.status(), HasErrorCode("UNAVAILABLE"));
  Call& late = Submit("req-2");
  EXPECT_THAT(late.status(), HasErrorCode("UNAVAILABLE"));
}

TEST_F(DispatcherTest, RepeatedRequestIdsDoNotMixUpCalls) {
  Warm("inst-1");
  Warm("inst-2");
  Call& first = Submit("same");
  Call& second = Submit("same");
  Answer("inst-2", "same");
  EXPECT_FALSE(first.done());
  EXPECT_EQ(second.receipt().instance_id(), "inst-2");
  Answer("inst-1", "same");
  EXPECT_EQ(first.receipt().instance_id(), "inst-1");
}

TEST_F(DispatcherTest, PartsReachTheCallThatAskedForThem) {
  Warm("inst-1");
  Call& whole = Submit("whole");
  EXPECT_FALSE(link_.dispatches[0].stream());
  serverless::pool::v1::ResponsePart part;
  part.set_dispatch_id(DispatchOf("inst-1", "whole"));
  part.set_data("a");
  dispatcher_.OnPart(part);  // From a pool that is mistaken: ignored.
  Answer("inst-1", "whole");
  EXPECT_TRUE(whole.done());

  std::string got;
  Call& streamed =
      Submit("streamed", absl::InfiniteFuture(),
             [&](serverless::pool::v1::ResponsePart p) { got += p.data(); });
  EXPECT_TRUE(link_.dispatches[1].stream());
  dispatcher_.OnPart(part);  // Of a call that has ended.
  part.set_dispatch_id(DispatchOf("inst-1", "streamed"));
  dispatcher_.OnPart(part);
  EXPECT_EQ(got, "a");
  Answer("inst-1", "streamed");
  dispatcher_.OnPart(part);
  EXPECT_EQ(got, "a");
  EXPECT_TRUE(streamed.done());
}

TEST_F(DispatcherTest, LoadsCountWaitingRunningAndStarting) {
  Warm("inst-1");
  Submit("req-1");
  Submit("req-2");
  const auto loads = dispatcher_.Loads();
  ASSERT_TRUE(loads.contains("fn-1"));
  EXPECT_EQ(loads.at("fn-1").in_flight, 1);
  EXPECT_EQ(loads.at("fn-1").queue_depth, 1);
  EXPECT_EQ(loads.at("fn-1").starting, 1);
  EXPECT_EQ(loads.at("fn-1").bytes, 4);  // Two events of {}.
}

TEST_F(DispatcherTest, QuietFunctionLeavesNothingBehind) {
  Warm("inst-1");
  Submit("req-1");
  Answer("inst-1", "req-1");
  Terminating("inst-1");
  EXPECT_EQ(dispatcher_.Loads().at("fn-1").queue_depth, 0);
  dispatcher_.ForgetFunction("fn-1");
  EXPECT_THAT(dispatcher_.Loads(), IsEmpty());
  EXPECT_EQ(clock_.pending(), 0u);
}

TEST_F(DispatcherTest, CallsAreMeteredWhileTheyWaitAndRun) {
  Submit("req-1");
  clock_.Advance(absl::Seconds(1));
  Warm("inst-1");   // Now it runs, and
  Submit("req-2");  // the next one waits.
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(dispatcher_.Loads().at("fn-1").function_name, "hello");
  EXPECT_EQ(dispatcher_.Loads().at("fn-1").call_time, absl::Seconds(3));
  EXPECT_EQ(dispatcher_.Loads().at("fn-1").peak, 2);
  Answer("inst-1", "req-1");
  Answer("inst-1", "req-2");
  clock_.Advance(absl::Seconds(20));
  EXPECT_EQ(dispatcher_.Loads().at("fn-1").call_time, absl::Seconds(3));
  EXPECT_EQ(dispatcher_.Loads().at("fn-1").peak, 0);
}

TEST_F(DispatcherTest, CallsThatWaitedInVainAreMeteredAndRefusedOnesAreNot) {
  for (int i = 0; i < 5; ++i) Submit(absl::StrCat("req-", i));
  EXPECT_EQ(dispatcher_.Loads().at("fn-1").peak, 3);  // As the queue is deep.
  Call& cancelled = *calls_.front();
  clock_.Advance(absl::Seconds(4));
  dispatcher_.Cancel(cancelled.invocation);
  clock_.Advance(absl::Minutes(1));  // Two are given up after 10 s.
  EXPECT_EQ(dispatcher_.Loads().at("fn-1").call_time, absl::Seconds(24));
}

TEST_F(DispatcherTest, CallsThatAreRunAgainAreMeteredOnce) {
  Warm("inst-1");
  Submit("req-1");
  Rejected rejected;
  rejected.set_dispatch_id(DispatchOf("inst-1", "req-1"));
  rejected.set_instance_id("inst-1");
  rejected.set_reason("not-warm");
  dispatcher_.OnRejected(rejected);
  Warm("inst-2");
  clock_.Advance(absl::Seconds(1));
  Answer("inst-2", "req-1");
  EXPECT_EQ(dispatcher_.Loads().at("fn-1").call_time, absl::Seconds(1));
  EXPECT_EQ(dispatcher_.Loads().at("fn-1").peak, 1);
}

TEST_F(DispatcherTest, AMeterOfADeletedFunctionGoesWithItsLastCall) {
  Warm("inst-1");
  Submit("req-1");
  dispatcher_.ForgetFunction("fn-1");
  EXPECT_EQ(dispatcher_.Loads().at("fn-1").function_name, "");
  Answer("inst-1", "req-1");
  EXPECT_EQ(dispatcher_.Loads().at("fn-1").call_time, absl::ZeroDuration());
}

}  // namespace
}  // namespace so
