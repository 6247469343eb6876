#include <map>
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

using testing::IsEmpty;

// A node with room for `room` instances, whose calls end when the test says so.
// What it decides is heard of when the test lets it.
class FakeNode final : public NodeLink {
 public:
  explicit FakeNode(int room) : room_(room) {}
  void Attach(Dispatcher& dispatcher) {
    dispatcher_ = &dispatcher;
    pb::PoolHello hello;
    hello.set_max_instances(room_);
    hello.set_memory_budget(room_ * 100);
    dispatcher.OnConnected(hello);
  }

  void Start(pb::StartInstance start) override { starts.push_back(start); }
  void Dispatch(pb::Dispatch dispatch) override {
    running[dispatch.instance_id()] = dispatch.dispatch_id();
  }
  void SendEvent(serverless::pool::v1::EventPart) override {}
  void Cancel(pb::Cancel) override {}
  void Grant(pb::Credit) override {}

  // Answers the starts asked for, as the pool does: free instances of others
  // make room.
  void AnswerStarts() {
    while (!starts.empty()) {
      const pb::StartInstance start = starts.front();
      starts.erase(starts.begin());
      if (!start.in_place_of().empty()) End(start.in_place_of());
      if (Full()) EvictFor(start.function_id());
      Full() ? Refuse(start) : Accept(start);
    }
  }

  // The call on one of a function's instances ends. Whether there was one.
  bool EndACallOf(const std::string& function_id) {
    for (const auto& [instance_id, owner] : instances) {
      if (owner != function_id || !running.contains(instance_id)) continue;
      pb::Result result;
      result.set_instance_id(instance_id);
      result.set_dispatch_id(running[instance_id]);
      result.set_status_code(200);
      result.set_instance_free(true);
      running.erase(instance_id);
      ++served[function_id];
      dispatcher_->OnResult(result);
      return true;
    }
    return false;
  }

  int Held(const std::string& function_id) const {
    int held = 0;
    for (const auto& [id, owner] : instances) held += owner == function_id;
    return held;
  }

  std::vector<pb::StartInstance> starts;
  std::map<std::string, std::string> instances;  // Function by instance.
  std::map<std::string, uint64_t> running;       // Dispatch by instance.
  std::map<std::string, int> served;

 private:
  bool Full() const { return static_cast<int>(instances.size()) >= room_; }

  void Accept(const pb::StartInstance& start) {
    const std::string id = absl::StrCat("inst-", ++last_id_);
    instances[id] = start.function_id();
    Tell(id, start.function_id(), pb::INSTANCE_STATE_WARMING, start.start_id());
    Tell(id, start.function_id(), pb::INSTANCE_STATE_WARM, start.start_id());
  }
  void Refuse(const pb::StartInstance& start) {
    pb::StartFailed failure;
    failure.set_start_id(start.start_id());
    failure.set_function_id(start.function_id());
    failure.set_version(1);
    failure.mutable_error()->set_code("NO_CAPACITY");
    failure.set_node_full(true);
    dispatcher_->OnStartFailed(failure);
  }
  void EvictFor(const std::string& function_id) {
    for (const auto& [id, owner] : instances) {
      if (owner == function_id || running.contains(id)) continue;
      const std::string evicted = id;
      End(evicted);
      return;
    }
  }
  void End(const std::string& id) {
    ASSERT_TRUE(instances.contains(id)) << id;
    ASSERT_FALSE(running.contains(id)) << id << " is busy";
    const std::string function_id = instances[id];
    instances.erase(id);
    Tell(id, function_id, pb::INSTANCE_STATE_TERMINATING, "");
  }
  void Tell(const std::string& id, const std::string& function_id,
            pb::InstanceState state, const std::string& start_id) {
    pb::InstanceUpdate update;
    update.set_instance_id(id);
    update.set_function_id(function_id);
    update.set_version(1);
    update.set_state(state);
    update.set_start_id(start_id);
    update.set_memory(100);
    dispatcher_->OnInstance(update);
  }

  const int room_;
  int last_id_ = 0;
  Dispatcher* dispatcher_ = nullptr;
};

class DispatcherSharingTest : public testing::Test {
 protected:
  void Open(int instances) {
    node_ = std::make_unique<FakeNode>(instances);
    dispatcher_ = std::make_unique<Dispatcher>(
        Dispatcher::Options{.queue_depth = 1000,
                            .queue_wait = absl::Seconds(60),
                            .fair_turn = absl::Seconds(1)},
        clock_, clock_, *node_, Logger("ROUTER"));
    node_->Attach(*dispatcher_);
  }

  void Submit(const std::string& id, int min_instances = 0) {
    serverless::function::v1::Function function;
    function.set_id(id);
    function.set_name(id);
    function.set_version(1);
    function.set_timeout(900000);
    function.set_memory(100);
    function.set_min_instances(min_instances);
    function.set_max_instances(100);
    auto invocation = std::make_shared<Invocation>();
    invocation->request_id = absl::StrCat("req-", ++last_request_);
    invocation->function =
        std::make_shared<const serverless::function::v1::Function>(function);
    invocation->event = "{}";
    invocation->enqueued = clock_.Now();
    invocation->done = [this, id](absl::StatusOr<Receipt> outcome) {
      if (outcome.ok()) ++answered_[id];
    };
    dispatcher_->Submit(std::move(invocation));
  }
  // More calls than there will ever be instances for.
  void Flood(const std::string& id, int calls = 100) {
    for (int i = 0; i < calls; ++i) Submit(id);
    node_->AnswerStarts();
  }
  void EndACallOf(const std::string& id) {
    ASSERT_TRUE(node_->EndACallOf(id)) << id;
    node_->AnswerStarts();
  }
  void Advance(absl::Duration time) {
    clock_.Advance(time);
    node_->AnswerStarts();
  }

  ManualClock clock_;
  std::unique_ptr<FakeNode> node_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::map<std::string, int> answered_;
  int last_request_ = 0;
};

TEST_F(DispatcherSharingTest, CalmFunctionGetsAnInstanceWhenACallOfAFloodEnds) {
  Open(4);
  Flood("flood");
  ASSERT_EQ(node_->Held("flood"), 4);
  Submit("calm");
  node_->AnswerStarts();
  EXPECT_EQ(node_->Held("calm"), 0);  // No running call is cut.
  EndACallOf("flood");
  EXPECT_EQ(node_->Held("calm"), 1);
  EndACallOf("calm");
  EXPECT_EQ(answered_["calm"], 1);
  EXPECT_EQ(node_->Held("flood"), 3);
}

TEST_F(DispatcherSharingTest, TwoFloodsEndUpWithHalfEachAndRest) {
  Open(6);
  Flood("first");
  Flood("second");
  for (int i = 0; i < 10; ++i) EndACallOf("first");
  EXPECT_EQ(node_->Held("first"), 3);
  EXPECT_EQ(node_->Held("second"), 3);
  for (int i = 0; i < 10; ++i) {
    EndACallOf("first");
    EndACallOf("second");
    Advance(absl::Milliseconds(300));
    EXPECT_EQ(node_->Held("first"), 3);
  }
}

TEST_F(DispatcherSharingTest, UnusedShareIsLentOutAgain) {
  Open(4);
  Flood("flood");
  Submit("calm");
  node_->AnswerStarts();
  EndACallOf("flood");
  EndACallOf("calm");
  ASSERT_EQ(node_->Held("flood"), 3);
  Advance(absl::Seconds(2));
  EXPECT_EQ(node_->Held("flood"), 4);
  EXPECT_EQ(node_->Held("calm"), 0);
}

TEST_F(DispatcherSharingTest, MoreFunctionsThanInstancesTakeTurns) {
  Open(1);
  Flood("a");
  Flood("b");
  Flood("c");
  for (int i = 0; i < 60; ++i) {
    Advance(absl::Milliseconds(100));
    for (const char* id : {"a", "b", "c"}) {
      if (node_->Held(id) > 0) EndACallOf(id);
    }
  }
  EXPECT_GE(answered_["a"], 10);
  EXPECT_GE(answered_["b"], 10);
  EXPECT_GE(answered_["c"], 10);
}

TEST_F(DispatcherSharingTest, KeptInstancesOfAFunctionAreNotTaken) {
  Open(2);
  for (int i = 0; i < 50; ++i) Submit("flood", /*min_instances=*/2);
  node_->AnswerStarts();
  Submit("calm");
  node_->AnswerStarts();
  for (int i = 0; i < 10; ++i) {
    EndACallOf("flood");
    Advance(absl::Seconds(1));
  }
  EXPECT_EQ(node_->Held("flood"), 2);
}

TEST_F(DispatcherSharingTest, FloodAloneKeepsEverythingAndChangesNothing) {
  Open(3);
  Flood("flood");
  const auto before = node_->instances;
  for (int i = 0; i < 20; ++i) {
    EndACallOf("flood");
    Advance(absl::Milliseconds(200));
  }
  EXPECT_EQ(node_->instances, before);
}

TEST_F(DispatcherSharingTest, AskingEndsWithTheDemand) {
  Open(1);
  Flood("flood", /*calls=*/1);
  Submit("calm");
  node_->AnswerStarts();
  dispatcher_->ForgetFunction("calm");
  Advance(absl::Seconds(5));
  EXPECT_THAT(node_->starts, IsEmpty());
  EndACallOf("flood");
  EXPECT_EQ(node_->Held("flood"), 1);
  EXPECT_EQ(clock_.pending(), 0u);
}

TEST_F(DispatcherSharingTest, LostNodeIsSharedAfreshWhenItIsBack) {
  Open(2);
  Flood("flood");
  Submit("calm");
  node_->AnswerStarts();
  dispatcher_->OnDisconnected();
  node_->instances.clear();
  node_->running.clear();
  node_->Attach(*dispatcher_);
  node_->AnswerStarts();
  EXPECT_EQ(node_->Held("calm") + node_->Held("flood"), 2);
  if (node_->Held("calm") == 0) EndACallOf("flood");
  EXPECT_EQ(node_->Held("calm"), 1);
}

}  // namespace
}  // namespace so
