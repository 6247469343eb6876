// Several calls on one instance.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/testing/manual_clock.h"
#include "base/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/router/dispatcher.h"

namespace so {
namespace {

namespace pb = serverless::pool::v1;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RecordingLink final : public NodeLink {
 public:
  void Start(pb::StartInstance start) override { starts.push_back(start); }
  void Dispatch(pb::Dispatch dispatch) override {
    dispatches.push_back(dispatch);
  }
  void SendEvent(serverless::pool::v1::EventPart) override {}
  void Cancel(pb::Cancel) override {}
  void Grant(pb::Credit) override {}
  std::vector<pb::StartInstance> starts;
  std::vector<pb::Dispatch> dispatches;
};

class DispatcherConcurrencyTest : public testing::Test {
 protected:
  DispatcherConcurrencyTest()
      : dispatcher_({.queue_depth = 100, .queue_wait = absl::Seconds(10)},
                    clock_, clock_, link_, Logger("ROUTER")) {
    function_.set_id("fn-1");
    function_.set_name("hello");
    function_.set_version(1);
    function_.set_timeout(2000);
    function_.set_max_instances(10);
    function_.set_concurrency(3);
    dispatcher_.OnConnected(pb::PoolHello());
  }

  InvocationPtr Submit(const std::string& request_id) {
    auto invocation = std::make_shared<Invocation>();
    invocation->request_id = request_id;
    invocation->function =
        std::make_shared<const serverless::function::v1::Function>(function_);
    invocation->event = "{}";
    invocation->enqueued = clock_.Now();
    invocation->done = [this, request_id](absl::StatusOr<Receipt> outcome) {
      ended_.push_back(
          absl::StrCat(request_id, " ",
                       !outcome.ok() ? std::string(outcome.status().message())
                       : outcome->has_error() ? outcome->error().code()
                                              : outcome->body()));
    };
    dispatcher_.Submit(invocation);
    return invocation;
  }
  void Update(const std::string& instance_id, pb::InstanceState state) {
    pb::InstanceUpdate update;
    update.set_instance_id(instance_id);
    update.set_function_id("fn-1");
    update.set_version(1);
    update.set_state(state);
    update.set_concurrency(3);
    dispatcher_.OnInstance(update);
  }
  void Warm(const std::string& id) { Update(id, pb::INSTANCE_STATE_WARM); }
  // The n-th dispatch, from 1, has ended.
  void Answer(uint64_t dispatch, bool free = true) {
    pb::Result result;
    result.set_dispatch_id(dispatch);
    result.set_status_code(200);
    result.set_body(absl::StrCat(dispatch));
    result.set_instance_free(free);
    dispatcher_.OnResult(result);
  }
  void Reject(uint64_t dispatch) {
    pb::Rejected rejected;
    rejected.set_dispatch_id(dispatch);
    dispatcher_.OnRejected(rejected);
  }
  std::vector<std::string> Targets() const {
    std::vector<std::string> targets;
    for (const pb::Dispatch& dispatch : link_.dispatches) {
      targets.push_back(dispatch.instance_id());
    }
    return targets;
  }

  ManualClock clock_;
  RecordingLink link_;
  Dispatcher dispatcher_;
  serverless::function::v1::Function function_;
  std::vector<std::string> ended_;
};

TEST_F(DispatcherConcurrencyTest, FillsAnInstanceBeforeCallsWait) {
  Warm("inst-1");
  for (int i = 1; i <= 4; ++i) Submit(absl::StrCat("req-", i));
  EXPECT_THAT(Targets(), ElementsAre("inst-1", "inst-1", "inst-1"));
  EXPECT_EQ(dispatcher_.Loads()["fn-1"].in_flight, 3);
  EXPECT_EQ(dispatcher_.Loads()["fn-1"].queue_depth, 1);
  Answer(2);
  EXPECT_THAT(ended_, ElementsAre("req-2 2"));
  EXPECT_THAT(Targets(), SizeIs(4));
}

TEST_F(DispatcherConcurrencyTest, AsksForAsManyStartsAsTheCallsNeed) {
  for (int i = 1; i <= 3; ++i) Submit(absl::StrCat("req-", i));
  EXPECT_THAT(link_.starts, SizeIs(1));
  Submit("req-4");
  EXPECT_THAT(link_.starts, SizeIs(2));
}

TEST_F(DispatcherConcurrencyTest, TellsCallsOfTheSameNameApart) {
  Warm("inst-1");
  Submit("same");
  Submit("same");
  Answer(2);
  Answer(1);
  EXPECT_THAT(ended_, ElementsAre("same 2", "same 1"));
}

TEST_F(DispatcherConcurrencyTest, OneThatIsToEndTakesNoMoreAndLosesNothing) {
  Warm("inst-1");
  Submit("req-1");
  Submit("req-2");
  Answer(1, /*free=*/false);
  Submit("req-3");
  EXPECT_THAT(Targets(), SizeIs(2));
  EXPECT_THAT(link_.starts, SizeIs(1));
  Update("inst-1", pb::INSTANCE_STATE_TERMINATING);
  Answer(2, /*free=*/false);
  EXPECT_THAT(ended_, ElementsAre("req-1 1", "req-2 2"));
  EXPECT_EQ(dispatcher_.Loads()["fn-1"].in_flight, 0);
  Warm("inst-2");
  EXPECT_THAT(Targets(), ElementsAre("inst-1", "inst-1", "inst-2"));
}

TEST_F(DispatcherConcurrencyTest, ARefusedOneGoesElsewhereTheOthersRunOn) {
  Warm("inst-1");
  Submit("req-1");
  Submit("req-2");
  Warm("inst-2");
  Reject(2);
  EXPECT_THAT(Targets(), ElementsAre("inst-1", "inst-1", "inst-2"));
  Answer(1);
  Answer(3);
  EXPECT_THAT(ended_, ElementsAre("req-1 1", "req-2 3"));
  // What it refused it may take again once the pool says that it is free.
  Warm("inst-1");
  Submit("req-3");
  Submit("req-4");
  Submit("req-5");
  EXPECT_THAT(Targets(), SizeIs(6));
}

TEST_F(DispatcherConcurrencyTest, ALostPoolEndsAllOfThem) {
  Warm("inst-1");
  Submit("req-1");
  Submit("req-2");
  dispatcher_.OnDisconnected();
  EXPECT_THAT(ended_, testing::UnorderedElementsAre("req-1 INSTANCE_LOST",
                                                    "req-2 INSTANCE_LOST"));
  Answer(1);
  EXPECT_THAT(ended_, SizeIs(2));
}

TEST_F(DispatcherConcurrencyTest, SilenceEndsOneCallAndTheInstanceAfterIt) {
  Warm("inst-1");
  Submit("req-1");
  clock_.Advance(absl::Seconds(6));
  Submit("req-2");
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(ended_, SizeIs(1));
  Submit("req-3");
  EXPECT_THAT(Targets(), SizeIs(2));
  Answer(2);
  EXPECT_THAT(ended_, SizeIs(2));
}

}  // namespace
}  // namespace so
