#include "services/router/router_service.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/testing/inline_executor.h"
#include "base/testing/manual_clock.h"
#include "base/testing/status_matchers.h"
#include "rpc/server.h"
#include "rpc/status.h"
#include "services/registry/client/testing/fake_function_directory.h"

namespace so {
namespace {

using serverless::router::v1::GetStatisticsRequest;
using serverless::router::v1::GetStatisticsResponse;
using serverless::router::v1::InvokeRequest;
using serverless::router::v1::InvokeResponse;
using serverless::router::v1::InvokeStreamingResponse;
using serverless::router::v1::ListLogsRequest;
using serverless::router::v1::ListLogsResponse;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::SizeIs;

// A pool with one instance that answers every event with itself.
class EchoNode final : public NodeLink {
 public:
  void Attach(Listener& listener) {
    listener_ = &listener;
    listener.OnConnected({});
  }
  void Start(serverless::pool::v1::StartInstance start) override {
    serverless::pool::v1::InstanceUpdate update;
    update.set_instance_id("inst-000001");
    update.set_function_id(start.function_id());
    update.set_version(start.version());
    update.set_start_id(start.start_id());
    update.set_state(serverless::pool::v1::INSTANCE_STATE_WARM);
    listener_->OnInstance(update);
  }
  void Dispatch(serverless::pool::v1::Dispatch dispatch) override {
    if (hold) {
      held.push_back(std::move(dispatch));
      ++holding;
      return;
    }
    Answer(dispatch);
  }
  void SendEvent(serverless::pool::v1::EventPart) override {}
  void Cancel(serverless::pool::v1::Cancel) override {}
  void Grant(serverless::pool::v1::Credit credit) override {
    granted += credit.bytes();
  }
  // One part of the answer to a call that is held.
  serverless::pool::v1::ResponsePart PartOf(
      const serverless::pool::v1::Dispatch& dispatch) {
    serverless::pool::v1::ResponsePart part;
    part.set_dispatch_id(dispatch.dispatch_id());
    part.set_instance_id(dispatch.instance_id());
    return part;
  }
  void Send(const serverless::pool::v1::ResponsePart& part) {
    listener_->OnPart(part);
  }
  void Answer(const serverless::pool::v1::Dispatch& dispatch) {
    serverless::pool::v1::Result result;
    result.set_dispatch_id(dispatch.dispatch_id());
    result.set_request_id(dispatch.request_id());
    result.set_instance_id(dispatch.instance_id());
    result.set_status_code(200);
    result.set_body(dispatch.event());
    result.set_duration(1);
    result.set_instance_free(true);
    listener_->OnResult(result);
  }

  // Calls are not answered but kept. Set and read while none is under way.
  bool hold = false;
  std::vector<serverless::pool::v1::Dispatch> held;
  // How many, for other threads.
  std::atomic<int> holding = 0;
  std::atomic<int> granted = 0;

 private:
  Listener* listener_ = nullptr;
};

class RouterServiceTest : public testing::Test {
 protected:
  RouterServiceTest()
      : dispatcher_({}, clock_, clock_, node_, Logger("ROUTER")),
        admission_({.per_client = {.rate = 0.1, .burst = 2}}, clock_),
        statistics_("router-1", absl::Seconds(60), clock_),
        logs_({}),
        idempotency_({}, clock_),
        router_(directory_, admission_, dispatcher_, idempotency_, statistics_,
                logs_, clock_, worker_),
        service_(router_, directory_, dispatcher_, statistics_, logs_,
                 Logger("ROUTER")) {
    directory_.Subscribe(router_);
    Put({});
    node_.Attach(dispatcher_);
    auto server = Server::Start({.address = "127.0.0.1:0"}, {&service_});
    EXPECT_THAT(server, IsOk());
    server_ = *std::move(server);
    stub_ = serverless::router::v1::RouterService::NewStub(
        server_->InProcessChannel());
  }

  // The function "hello", with more settings of its own.
  void Put(serverless::function::v1::Function function) {
    function.set_id("fn-1");
    function.set_name("hello");
    function.set_version(1);
    function.set_timeout(1000);
    function.set_max_instances(1);
    directory_.Put(function);
  }

  absl::StatusOr<InvokeResponse> Invoke(const std::string& function,
                                        const std::string& event,
                                        const std::string& request_id = "",
                                        const std::string& client = "") {
    grpc::ClientContext context;
    if (!client.empty()) context.AddMetadata("x-so-client", client);
    InvokeRequest request;
    request.set_function(function);
    request.set_event(event);
    request.set_request_id(request_id);
    InvokeResponse response;
    SO_RETURN_IF_ERROR(FromGrpc(stub_->Invoke(&context, request, &response)));
    return response;
  }

  ListLogsResponse Logs(const std::string& request_id = "") {
    grpc::ClientContext context;
    ListLogsRequest request;
    request.set_function("hello");
    request.set_request_id(request_id);
    ListLogsResponse response;
    EXPECT_THAT(FromGrpc(stub_->ListLogs(&context, request, &response)),
                IsOk());
    return response;
  }

  GetStatisticsResponse Statistics() {
    grpc::ClientContext context;
    GetStatisticsResponse response;
    EXPECT_THAT(FromGrpc(stub_->GetStatistics(&context, {}, &response)),
                IsOk());
    return response;
  }

  ManualClock clock_;
  EchoNode node_;
  Dispatcher dispatcher_;
  Admission admission_;
  class Statistics statistics_;
  LogStore logs_;
  IdempotencyStore idempotency_;
  FakeFunctionDirectory directory_;
  InlineExecutor worker_;
  InvocationRouter router_;
  RouterService service_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<serverless::router::v1::RouterService::Stub> stub_;
};

TEST_F(RouterServiceTest, InvokeReturnsTheReceipt) {
  const auto response = Invoke("hello", "{\"a\":1}", "my-request");
  SO_ASSERT_OK(response);
  EXPECT_EQ(response->body(), "{\"a\":1}");
  EXPECT_EQ(response->request_id(), "my-request");
  EXPECT_EQ(response->function_name(), "hello");
  EXPECT_EQ(response->instance_id(), "inst-000001");
}

TEST_F(RouterServiceTest, EmptyEventIsAnEmptyObjectAndIdsAreMade) {
  const auto response = Invoke("fn-1", "");
  SO_ASSERT_OK(response);
  EXPECT_EQ(response->body(), "{}");
  EXPECT_THAT(response->request_id(),
              MatchesRegex("req-[0-9]{13}-[0-9a-z]{6}"));
}

TEST_F(RouterServiceTest, RefusesBadCallsByField) {
  const auto bad_json = Invoke("hello", "{\n nope");
  EXPECT_THAT(bad_json, HasErrorCode("INVALID_ARGUMENT"));
  EXPECT_EQ(ErrorFromStatus(bad_json.status()).details(0).field(), "event");
  EXPECT_THAT(Invoke("hello", "{}", "not ok"),
              HasErrorCode("INVALID_ARGUMENT"));
  EXPECT_THAT(Invoke("nobody", "{}"), HasErrorCode("NOT_FOUND"));
  const std::string large = absl::StrCat("\"", std::string(6 << 20, 'x'), "\"");
  EXPECT_THAT(Invoke("hello", large), HasErrorCode("PAYLOAD_TOO_LARGE"));
}

TEST_F(RouterServiceTest, RateLimitOfTheFunctionRefusesBeforeItRuns) {
  serverless::function::v1::Function limited;
  limited.set_rate_limit(0.5);
  limited.set_rate_burst(1);
  Put(limited);
  SO_ASSERT_OK(Invoke("hello", "{}"));
  const auto refused = Invoke("hello", "{}");
  EXPECT_THAT(refused, HasErrorCode("RATE_LIMITED"));
  EXPECT_EQ(ErrorFromStatus(refused.status()).retry_after(), 2);
  EXPECT_EQ(ErrorFromStatus(refused.status()).executed(), "no");
  const GetStatisticsResponse statistics = Statistics();
  EXPECT_EQ(statistics.functions(0).refusals().at("RATE_LIMITED"), 1);
  // More instances would not have helped.
  EXPECT_EQ(statistics.functions(0).rejected(), 0);
  clock_.Advance(absl::Seconds(2));
  SO_ASSERT_OK(Invoke("hello", "{}"));
}

TEST_F(RouterServiceTest, RateOfAClientIsThatOfItsName) {
  SO_ASSERT_OK(Invoke("hello", "{}", "", "id:alice"));
  SO_ASSERT_OK(Invoke("hello", "{}", "", "id:alice"));
  EXPECT_THAT(Invoke("hello", "{}", "", "id:alice"),
              HasErrorCode("RATE_LIMITED"));
  SO_EXPECT_OK(Invoke("hello", "{}", "", "id:bob"));
  SO_EXPECT_OK(Invoke("hello", "{}"));
}

TEST_F(RouterServiceTest, IdempotencyKeyIsThatOfTheRequest) {
  InvokeRequest request;
  request.set_function("hello");
  request.set_idempotency_key("key");
  for (const bool replayed : {false, true}) {
    grpc::ClientContext context;
    InvokeResponse response;
    SO_ASSERT_OK(FromGrpc(stub_->Invoke(&context, request, &response)));
    EXPECT_EQ(response.replayed(), replayed);
  }
}

TEST_F(RouterServiceTest, ConcurrencyLimitCountsUntilTheCallHasEnded) {
  serverless::function::v1::Function limited;
  limited.set_concurrency_limit(1);
  Put(limited);
  node_.hold = true;
  absl::StatusOr<Receipt> first = absl::UnknownError("has not ended");
  router_.Invoke({.function = "hello", .event = "{}"},
                 [&](absl::StatusOr<Receipt> outcome) { first = outcome; });
  ASSERT_THAT(node_.held, SizeIs(1));
  EXPECT_THAT(Invoke("hello", "{}"), HasErrorCode("CONCURRENCY_LIMIT"));
  EXPECT_EQ(Statistics().functions(0).queue_bytes(), 2);
  node_.hold = false;
  node_.Answer(node_.held[0]);
  SO_EXPECT_OK(first);
  SO_EXPECT_OK(Invoke("hello", "{}"));
  EXPECT_EQ(Statistics().functions(0).queue_bytes(), 0);
}

TEST_F(RouterServiceTest, ClientThatGoesAwayLeavesTheQueueAndItsPlace) {
  serverless::function::v1::Function limited;
  limited.set_concurrency_limit(2);
  Put(limited);
  node_.hold = true;
  router_.Invoke({.function = "hello", .event = "{}"},
                 [](absl::StatusOr<Receipt>) {});
  ASSERT_THAT(node_.held, SizeIs(1));
  grpc::ClientContext context;
  InvokeRequest request;
  request.set_function("hello");
  InvokeResponse response;
  grpc::CompletionQueue queue;
  auto call = stub_->AsyncInvoke(&context, request, &queue);
  grpc::Status status;
  call->Finish(&response, &status, nullptr);
  // It waits behind the first one.
  while (dispatcher_.Loads()["fn-1"].queue_depth == 0)
    std::this_thread::yield();
  EXPECT_THAT(Invoke("hello", "{}"), HasErrorCode("CONCURRENCY_LIMIT"));
  context.TryCancel();
  void* tag;
  bool ok;
  ASSERT_TRUE(queue.Next(&tag, &ok));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  while (dispatcher_.Loads()["fn-1"].queue_depth > 0) std::this_thread::yield();
  node_.hold = false;
  node_.Answer(node_.held[0]);
  EXPECT_THAT(node_.held, SizeIs(1));  // It never ran.
  SO_EXPECT_OK(Invoke("hello", "{}"));
}

TEST_F(RouterServiceTest, StreamsAnAnswerWhileItIsWritten) {
  node_.hold = true;
  grpc::ClientContext context;
  InvokeRequest request;
  request.set_function("hello");
  const auto reader = stub_->InvokeStreaming(&context, request);
  while (node_.holding == 0) std::this_thread::yield();
  EXPECT_TRUE(node_.held[0].stream());
  auto part = node_.PartOf(node_.held[0]);
  part.mutable_head()->set_status_code(206);
  node_.Send(part);
  InvokeStreamingResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.head().status_code(), 206);
  // More than a call may write without credit.
  for (int i = 0; i < 10; ++i) {
    part.set_data(std::string(65536, 'x'));
    node_.Send(part);
    ASSERT_TRUE(reader->Read(&response));
    EXPECT_EQ(response.data().size(), 65536u);
  }
  while (node_.granted < 10 * 65536) std::this_thread::yield();
  node_.Answer(node_.held[0]);
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.receipt().function_name(), "hello");
  EXPECT_EQ(response.receipt().body(), "");
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_THAT(FromGrpc(reader->Finish()), IsOk());
  EXPECT_THAT(Logs().invocations(), SizeIs(1));
  EXPECT_EQ(Statistics().functions(0).invocations(), 1);
}

TEST_F(RouterServiceTest, StreamsWhatWasReturnedWhole) {
  grpc::ClientContext context;
  InvokeRequest request;
  request.set_function("hello");
  request.set_event("[1]");
  const auto reader = stub_->InvokeStreaming(&context, request);
  InvokeStreamingResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.head().headers().at("content-type"), "application/json");
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.data(), "[1]");
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_TRUE(response.has_receipt());
  EXPECT_THAT(FromGrpc(reader->Finish()), IsOk());
}

TEST_F(RouterServiceTest, StreamIsRefusedLikeAnyCall) {
  for (const auto& [function, key, code] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"nobody", "", "NOT_FOUND"}, {"hello", "key", "INVALID_ARGUMENT"}}) {
    grpc::ClientContext context;
    InvokeRequest request;
    request.set_function(function);
    request.set_idempotency_key(key);
    const auto reader = stub_->InvokeStreaming(&context, request);
    InvokeStreamingResponse response;
    EXPECT_FALSE(reader->Read(&response));
    EXPECT_THAT(FromGrpc(reader->Finish()), HasErrorCode(code));
  }
}

TEST_F(RouterServiceTest, ClientThatLeavesAStreamLetsTheFunctionEnd) {
  node_.hold = true;
  grpc::ClientContext context;
  InvokeRequest request;
  request.set_function("hello");
  const auto reader = stub_->InvokeStreaming(&context, request);
  while (node_.holding == 0) std::this_thread::yield();
  context.TryCancel();
  InvokeStreamingResponse response;
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  auto part = node_.PartOf(node_.held[0]);
  part.mutable_head()->set_status_code(200);
  node_.Send(part);
  // It is never out of credit, whether or not the router has heard of it yet.
  for (int i = 0; i < 20; ++i) {
    part.set_data(std::string(65536, 'x'));
    node_.Send(part);
  }
  while (node_.granted < 16 * 65536) std::this_thread::yield();
  node_.Answer(node_.held[0]);
  EXPECT_THAT(Logs().invocations(), SizeIs(1));
}

TEST_F(RouterServiceTest, LogsOfRecentInvocationsAreListed) {
  SO_ASSERT_OK(Invoke("hello", "{}", "one"));
  SO_ASSERT_OK(Invoke("hello", "{}", "two"));
  const ListLogsResponse all = Logs();
  ASSERT_THAT(all.invocations(), SizeIs(2));
  EXPECT_EQ(all.invocations(0).request_id(), "two");
  EXPECT_EQ(all.function_id(), "fn-1");
  EXPECT_THAT(Logs("one").invocations(), SizeIs(1));
}

TEST_F(RouterServiceTest, StatisticsCountInvocationsUntilTheFunctionIsDeleted) {
  SO_ASSERT_OK(Invoke("hello", "{}"));
  SO_ASSERT_OK(Invoke("hello", "{}"));
  const GetStatisticsResponse statistics = Statistics();
  ASSERT_THAT(statistics.functions(), SizeIs(1));
  EXPECT_EQ(statistics.functions(0).invocations(), 2);
  EXPECT_EQ(statistics.functions(0).errors(), 0);
  EXPECT_EQ(statistics.functions(0).duration().count(), 2);
  EXPECT_EQ(statistics.functions(0).peak_concurrency(), 1);
  EXPECT_EQ(statistics.router_id(), "router-1");
  directory_.Delete("fn-1");
  EXPECT_THAT(Statistics().functions(), IsEmpty());
}

}  // namespace
}  // namespace so
