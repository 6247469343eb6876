#include "services/router/gateway_service.h"

#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "base/testing/inline_executor.h"
#include "base/testing/manual_clock.h"
#include "base/testing/status_matchers.h"
#include "rpc/server.h"
#include "services/registry/client/testing/fake_function_directory.h"

namespace so {
namespace {

using serverless::router::v1::AttachRequest;
using serverless::router::v1::AttachResponse;
using serverless::router::v1::RouterGatewayService;

// A pool that starts an instance for every wish and answers a call with its
// event, those of "wait" only when it is told to.
class EchoNode final : public NodeLink {
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
    if (dispatch.event_bytes() > 0) {
      coming_ = std::move(dispatch);
      serverless::pool::v1::EventCredit credit;
      credit.set_dispatch_id(coming_.dispatch_id());
      credit.set_bytes(coming_.event_bytes());
      listener_->OnEventCredit(credit);
    } else if (dispatch.event() == "\"wait\"") {
      held_ = std::move(dispatch);
    } else {
      Answer(dispatch);
    }
  }
  void SendEvent(serverless::pool::v1::EventPart part) override {
    coming_.mutable_event()->append(part.data());
    if (coming_.event().size() == static_cast<size_t>(coming_.event_bytes())) {
      Answer(coming_);
    }
  }
  void Cancel(serverless::pool::v1::Cancel) override {}
  void Grant(serverless::pool::v1::Credit) override {}
  void AnswerHeld() { Answer(held_); }

 private:
  void Answer(const serverless::pool::v1::Dispatch& dispatch) {
    serverless::pool::v1::Result result;
    result.set_dispatch_id(dispatch.dispatch_id());
    result.set_request_id(dispatch.request_id());
    result.set_instance_id(dispatch.instance_id());
    result.set_status_code(200);
    result.set_body(dispatch.event());
    result.set_instance_free(true);
    listener_->OnResult(result);
  }

  Listener* listener_ = nullptr;
  serverless::pool::v1::Dispatch held_;
  // Its event is on its way.
  serverless::pool::v1::Dispatch coming_;
  int last_ = 0;
};

class GatewayServiceTest : public testing::Test {
 protected:
  GatewayServiceTest()
      : dispatcher_({}, clock_, clock_, node_, Logger("ROUTER")),
        statistics_("router-1", absl::Seconds(60), clock_),
        logs_({}),
        admission_({.per_client = {.rate = 0.1, .burst = 1}}, clock_),
        idempotency_({}, clock_),
        router_(directory_, admission_, dispatcher_, idempotency_, statistics_,
                logs_, clock_, worker_),
        service_(router_) {
    serverless::function::v1::Function function;
    function.set_id("fn-1");
    function.set_name("hello");
    function.set_version(1);
    function.set_timeout(1000);
    function.set_max_instances(1);
    directory_.Put(function);
    node_.Attach(dispatcher_);
    auto server = Server::Start({.address = "127.0.0.1:0"}, {&service_});
    EXPECT_THAT(server, IsOk());
    server_ = *std::move(server);
    stub_ = RouterGatewayService::NewStub(server_->InProcessChannel());
    stream_ = stub_->Attach(&context_);
    EXPECT_TRUE(Read().has_hello());
  }
  ~GatewayServiceTest() override { context_.TryCancel(); }

  void Call(uint64_t id, const std::string& event,
            const std::string& client = "") {
    AttachRequest request;
    request.set_call_id(id);
    request.mutable_call()->mutable_request()->set_function("hello");
    request.mutable_call()->set_client(client);
    request.mutable_call()->mutable_request()->set_event(event);
    EXPECT_TRUE(stream_->Write(request));
  }
  void Cancel(uint64_t id) {
    AttachRequest request;
    request.set_call_id(id);
    request.mutable_cancel();
    EXPECT_TRUE(stream_->Write(request));
  }
  AttachResponse Read() {
    AttachResponse response;
    EXPECT_TRUE(stream_->Read(&response));
    return response;
  }
  absl::StatusOr<Receipt> Collect(uint64_t key) {
    grpc::ClientContext context;
    serverless::router::v1::CollectRequest request;
    request.set_key(key);
    serverless::router::v1::CollectResponse response;
    const auto status = FromGrpc(stub_->Collect(&context, request, &response));
    if (!status.ok()) return status;
    return response.receipt();
  }

  ManualClock clock_;
  EchoNode node_;
  Dispatcher dispatcher_;
  Statistics statistics_;
  LogStore logs_;
  Admission admission_;
  IdempotencyStore idempotency_;
  FakeFunctionDirectory directory_;
  InlineExecutor worker_;
  InvocationRouter router_;
  GatewayService service_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<RouterGatewayService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<AttachRequest, AttachResponse>>
      stream_;
};

TEST_F(GatewayServiceTest, AnswersEachCallByItsId) {
  std::map<uint64_t, std::string> answers;
  for (uint64_t id = 1; id <= 100; ++id) Call(id, absl::StrCat(id));
  for (int i = 0; i < 100; ++i) {
    const AttachResponse response = Read();
    answers[response.call_id()] = response.receipt().body();
  }
  for (uint64_t id = 1; id <= 100; ++id) {
    EXPECT_EQ(answers[id], absl::StrCat(id));
  }
}

TEST_F(GatewayServiceTest, TellsFailuresWithTheirDetails) {
  Call(7, "{");
  const AttachResponse response = Read();
  EXPECT_EQ(response.call_id(), 7u);
  EXPECT_EQ(response.status().code(),
            static_cast<int>(absl::StatusCode::kInvalidArgument));
  Error error;
  ASSERT_EQ(response.status().details_size(), 1);
  ASSERT_TRUE(response.status().details(0).UnpackTo(&error));
  EXPECT_EQ(error.details(0).field(), "event");
  EXPECT_EQ(error.executed(), "no");
}

TEST_F(GatewayServiceTest, CountsAgainstTheRateOfTheClient) {
  Call(1, "1", "ip:192.0.2.1");
  EXPECT_TRUE(Read().has_receipt());
  Call(2, "2", "ip:192.0.2.1");
  EXPECT_EQ(Read().status().code(),
            static_cast<int>(absl::StatusCode::kResourceExhausted));
  Call(3, "3", "ip:192.0.2.2");
  EXPECT_TRUE(Read().has_receipt());
}

TEST_F(GatewayServiceTest, CallsWithTheSameKeyRunOnce) {
  AttachRequest request;
  request.mutable_call()->mutable_request()->set_function("hello");
  request.mutable_call()->mutable_request()->set_event("\"wait\"");
  request.mutable_call()->mutable_request()->set_idempotency_key("key");
  for (const uint64_t id : {1, 2, 3}) {
    request.set_call_id(id);
    EXPECT_TRUE(stream_->Write(request));
  }
  Cancel(1);
  Call(4, "{");  // Answered at once, so the others have arrived.
  EXPECT_EQ(Read().call_id(), 4u);
  node_.AnswerHeld();
  std::map<uint64_t, Receipt> receipts;
  for (int i = 0; i < 2; ++i) {
    const AttachResponse response = Read();
    receipts[response.call_id()] = response.receipt();
  }
  for (const uint64_t id : {2, 3}) {
    EXPECT_EQ(receipts[id].body(), "\"wait\"");
    EXPECT_TRUE(receipts[id].replayed());
  }
}

TEST_F(GatewayServiceTest, LargeReceiptsAreCollectedOnce) {
  const std::string event = absl::StrCat("\"", std::string(100000, 'x'), "\"");
  Call(1, event);
  Call(2, "2");
  const uint64_t key = Read().large();
  EXPECT_EQ(Read().receipt().body(), "2");
  const auto receipt = Collect(key);
  ASSERT_THAT(receipt, IsOk());
  EXPECT_EQ(receipt->body(), event);
  EXPECT_THAT(Collect(key), HasCode(absl::StatusCode::kNotFound));
}

TEST_F(GatewayServiceTest, ACancelledCallLeavesTheQueue) {
  Call(1, "\"wait\"");
  Call(2, "2");  // The one instance is busy.
  Cancel(2);
  Call(3, "{");  // Answered at once, so the others have arrived.
  EXPECT_EQ(Read().call_id(), 3u);
  for (const auto& [id, load] : dispatcher_.Loads()) {
    EXPECT_EQ(load.queue_depth, 0);
  }
}

TEST_F(GatewayServiceTest, AStreamThatEndsTakesItsWaitingCallsAlong) {
  Call(1, "\"wait\"");
  Call(2, "2");
  Call(3, "{");
  EXPECT_EQ(Read().call_id(), 3u);
  context_.TryCancel();
  server_->Shutdown(absl::Seconds(30));
  for (const auto& [id, load] : dispatcher_.Loads()) {
    EXPECT_EQ(load.queue_depth, 0);
  }
}

TEST_F(GatewayServiceTest, OpenCallsAreAnsweredBeforeAStreamEnds) {
  Call(1, "\"wait\"");
  Call(2, "{");
  EXPECT_EQ(Read().call_id(), 2u);
  service_.EndStreams();
  node_.AnswerHeld();
  EXPECT_EQ(Read().receipt().body(), "\"wait\"");
  AttachResponse response;
  EXPECT_FALSE(stream_->Read(&response));
  EXPECT_THAT(FromGrpc(stream_->Finish()),
              HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(GatewayServiceTest, StreamsEndWhenToldTo) {
  Call(1, "1");
  EXPECT_EQ(Read().receipt().body(), "1");
  service_.EndStreams();
  AttachResponse response;
  EXPECT_FALSE(stream_->Read(&response));
  EXPECT_THAT(FromGrpc(stream_->Finish()),
              HasCode(absl::StatusCode::kUnavailable));
  grpc::ClientContext late;
  auto refused = stub_->Attach(&late);
  while (refused->Read(&response)) {
  }
  EXPECT_THAT(FromGrpc(refused->Finish()),
              HasCode(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace so
