#include "services/pool/pool_service.h"

#include <chrono>
#include <memory>

#include "base/testing/status_matchers.h"
#include "gtest/gtest.h"
#include "rpc/server.h"
#include "rpc/status.h"
#include "services/pool/event_loop.h"
#include "services/pool/testing/fake_launcher.h"
#include "services/pool/testing/pool_fixture.h"

namespace so {
namespace {

namespace pb = serverless::pool::v1;

// The services over a channel, on a pool of fakes. The clock stands still; the
// fixture is touched on the loop thread only.
class PoolServiceTest : public ::testing::Test {
 protected:
  PoolServiceTest() {
    loop_.Run([this] {
      fixture_ = std::make_unique<PoolFixture>();
      fixture_->Put(PoolFixture::MakeFunction("hello"));
      parked_ = std::make_unique<ParkedPool>(ParkedPool::Options{}, launcher_,
                                             fixture_->clock, fixture_->clock,
                                             fixture_->steps);
    });
    service_ = std::make_unique<PoolService>(loop_, *fixture_->pool, *parked_,
                                             fixture_->steps);
    node_service_ = std::make_unique<PoolNodeService>(loop_, *fixture_->pool);
    server_ = *Server::Start({.address = "127.0.0.1:0"},
                             {service_.get(), node_service_.get()});
    stub_ = pb::PoolService::NewStub(server_->InProcessChannel());
    node_stub_ = pb::PoolNodeService::NewStub(server_->InProcessChannel());
  }
  ~PoolServiceTest() override {
    server_->Shutdown(absl::Seconds(1));
    server_.reset();
    loop_.Run([this] {
      parked_.reset();
      fixture_.reset();
    });
  }

  static void SetDeadline(
      grpc::ClientContext& context,
      std::chrono::milliseconds timeout = std::chrono::seconds(20)) {
    context.set_deadline(std::chrono::system_clock::now() + timeout);
  }
  void MakeReady(size_t n) {
    loop_.Run([&] { fixture_->sandbox.at(n)->BecomeReady(); });
  }

  EventLoop loop_;
  FakeLauncher launcher_;
  std::unique_ptr<PoolFixture> fixture_;
  std::unique_ptr<ParkedPool> parked_;
  std::unique_ptr<PoolService> service_;
  std::unique_ptr<PoolNodeService> node_service_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<pb::PoolService::Stub> stub_;
  std::unique_ptr<pb::PoolNodeService::Stub> node_stub_;
};

TEST_F(PoolServiceTest, AnInvocationGoesOverTheStream) {
  grpc::ClientContext context;
  SetDeadline(context);
  const auto stream = node_stub_->Attach(&context);
  pb::AttachRequest request;
  request.mutable_hello()->set_router_id("r");
  ASSERT_TRUE(stream->Write(request));
  pb::AttachResponse message;
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_TRUE(message.has_hello());

  request.mutable_start()->set_start_id("s-1");
  request.mutable_start()->set_function_id("fn-hello");
  request.mutable_start()->set_version(1);
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_EQ(message.instance().state(), pb::INSTANCE_STATE_WARMING);
  MakeReady(0);
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_EQ(message.instance().state(), pb::INSTANCE_STATE_WARM);

  request.mutable_dispatch()->set_request_id("req-1");
  request.mutable_dispatch()->set_instance_id("inst-000001");
  request.mutable_dispatch()->set_event("{}");
  request.mutable_dispatch()->set_timeout(1000);
  ASSERT_TRUE(stream->Write(request));
  // Sent twice: the second answer tells that the first has arrived.
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_EQ(message.rejected().reason(), "not-warm");
  loop_.Run([&] { fixture_->sandbox.last().Say(FrameType::kStarted); });
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_EQ(message.started().request_id(), "req-1");
  loop_.Run([&] { fixture_->sandbox.last().Answer("1"); });
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_EQ(message.result().body(), "1");
  EXPECT_TRUE(message.result().instance_free());

  request.mutable_dispatch()->set_request_id("req-2");
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_EQ(message.rejected().reason(), "not-warm");
  // With the result at hand, nobody needs to hear that it was started.
  loop_.Run([&] {
    fixture_->sandbox.last().Say(FrameType::kStarted);
    fixture_->sandbox.last().Answer("2");
  });
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_EQ(message.result().body(), "2");
  EXPECT_TRUE(message.result().instance_free());

  loop_.Run([&] { node_service_->EndStreams(); });
  EXPECT_FALSE(stream->Read(&message));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(PoolServiceTest, LargeBodiesGoInPartsBothWays) {
  grpc::ClientContext context;
  SetDeadline(context);
  loop_.Run([&] { fixture_->WarmOne("hello"); });
  const auto stream = node_stub_->Attach(&context);
  pb::AttachRequest request;
  request.mutable_hello()->set_router_id("r");
  ASSERT_TRUE(stream->Write(request));
  pb::AttachResponse message;
  ASSERT_TRUE(stream->Read(&message));
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_EQ(message.instance().state(), pb::INSTANCE_STATE_WARM);

  const std::string event = "\"" + std::string(150000, 'x') + "\"";
  request.mutable_dispatch()->set_dispatch_id(7);
  request.mutable_dispatch()->set_instance_id("inst-000001");
  request.mutable_dispatch()->set_event_bytes(static_cast<int>(event.size()));
  request.mutable_dispatch()->set_timeout(1000);
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_EQ(message.event_credit().dispatch_id(), 7u);
  EXPECT_EQ(message.event_credit().bytes(), 262144);
  request.mutable_event_part()->set_dispatch_id(7);
  for (size_t at = 0; at < event.size(); at += 65536) {
    request.mutable_event_part()->set_data(event.substr(at, 65536));
    ASSERT_TRUE(stream->Write(request));
  }
  // 131072 bytes are worth more credit.
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_TRUE(message.has_event_credit());
  // A refusal tells that what was sent before it has arrived.
  request.mutable_dispatch()->set_dispatch_id(8);
  request.mutable_dispatch()->set_instance_id("inst-000042");
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_EQ(message.rejected().dispatch_id(), 8u);

  // No credit comes for the result; when the stream is to end, all of it does.
  const std::string body = "\"" + std::string(600000, 'y') + "\"";
  loop_.Run([&] {
    FakeProcess& process = fixture_->sandbox.last();
    EXPECT_THAT(process.received.back().second, testing::EndsWith(event));
    process.Say(FrameType::kStarted);
    process.Answer(body);
    node_service_->EndStreams();
  });
  std::string received;
  while (stream->Read(&message) && !message.has_result()) {
    received += message.part().data();
  }
  EXPECT_TRUE(message.result().body_in_parts());
  EXPECT_TRUE(received == body);
  EXPECT_FALSE(stream->Read(&message));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(PoolServiceTest, ListsInstancesAndMetrics) {
  loop_.Run([&] { fixture_->WarmOne("hello"); });
  pb::ListInstancesRequest request;
  request.set_function("hello");
  pb::ListInstancesResponse response;
  grpc::ClientContext context;
  SetDeadline(context);
  SO_ASSERT_OK(FromGrpc(stub_->ListInstances(&context, request, &response)));
  ASSERT_EQ(response.instances_size(), 1);
  EXPECT_EQ(response.instances(0).state(), "warm");
  EXPECT_EQ(response.instances(0).memory(), 12);

  grpc::ClientContext metrics_context;
  SetDeadline(metrics_context);
  pb::GetMetricsResponse metrics;
  SO_ASSERT_OK(FromGrpc(stub_->GetMetrics(&metrics_context, {}, &metrics)));
  EXPECT_EQ(metrics.total_instances(), 1);
  EXPECT_EQ(metrics.memory_committed(), 128);

  request.set_function("nobody");
  grpc::ClientContext unknown_context;
  SetDeadline(unknown_context);
  EXPECT_THAT(
      FromGrpc(stub_->ListInstances(&unknown_context, request, &response)),
      HasErrorCode("NOT_FOUND"));
}

TEST_F(PoolServiceTest, WarmEndsWithTheDeadlineOfItsCaller) {
  pb::WarmRequest request;
  request.set_function("hello");
  pb::WarmResponse response;
  grpc::ClientContext context;
  SetDeadline(context, std::chrono::milliseconds(100));
  EXPECT_EQ(stub_->Warm(&context, request, &response).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  // The instance is kept.
  loop_.Run([&] { EXPECT_EQ(fixture_->Count("hello", "warming"), 1); });
}

TEST_F(PoolServiceTest, TargetsAreCheckedAndObeyed) {
  pb::SetTargetRequest request;
  request.set_function_id("fn-hello");
  request.set_desired(2);
  pb::SetTargetResponse response;
  grpc::ClientContext bad_context;
  SetDeadline(bad_context);
  EXPECT_THAT(FromGrpc(node_stub_->SetTarget(&bad_context, request, &response)),
              HasErrorCode("INVALID_ARGUMENT"));
  request.set_ttl(1000);
  grpc::ClientContext context;
  SetDeadline(context);
  SO_ASSERT_OK(FromGrpc(node_stub_->SetTarget(&context, request, &response)));
  EXPECT_EQ(response.starting(), 2);
  EXPECT_EQ(response.total(), 2);
}

TEST_F(PoolServiceTest, ListsWhatThePoolHasDecided) {
  loop_.Run([&] { fixture_->WarmOne("hello"); });
  pb::ListEventsRequest request;
  pb::ListEventsResponse response;
  grpc::ClientContext context;
  SetDeadline(context);
  SO_ASSERT_OK(FromGrpc(node_stub_->ListEvents(&context, request, &response)));
  EXPECT_EQ(response.pool_id(), "pool");
  ASSERT_EQ(response.events_size(), 2);
  EXPECT_EQ(response.events(0).action(), "start");
  request.set_after(1);
  grpc::ClientContext again;
  SetDeadline(again);
  SO_ASSERT_OK(FromGrpc(node_stub_->ListEvents(&again, request, &response)));
  ASSERT_EQ(response.events_size(), 1);
  EXPECT_EQ(response.events(0).action(), "warm");
  request.set_after(-1);
  grpc::ClientContext bad_context;
  SetDeadline(bad_context);
  EXPECT_THAT(
      FromGrpc(node_stub_->ListEvents(&bad_context, request, &response)),
      HasErrorCode("INVALID_ARGUMENT"));
}

TEST_F(PoolServiceTest, SaysHowWellSandboxesIsolate) {
  loop_.Run([&] {
    launcher_.Become({.problem = "", .missing_layers = {"landlock"}});
  });
  pb::GetIsolationResponse response;
  grpc::ClientContext context;
  SetDeadline(context);
  SO_ASSERT_OK(FromGrpc(stub_->GetIsolation(&context, {}, &response)));
  EXPECT_EQ(response.isolation().problem(), "");
  ASSERT_EQ(response.isolation().missing_layers_size(), 1);
  EXPECT_EQ(response.isolation().missing_layers(0), "landlock");
}

TEST_F(PoolServiceTest, TurnsRoutersAwayWhileThereIsAProblem) {
  grpc::ClientContext context;
  SetDeadline(context);
  const auto stream = node_stub_->Attach(&context);
  pb::AttachResponse message;
  ASSERT_TRUE(stream->Read(&message));
  loop_.Run([&] { node_service_->SetProblem("the launcher was lost"); });
  EXPECT_FALSE(stream->Read(&message));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "the launcher was lost");

  grpc::ClientContext too_early;
  SetDeadline(too_early);
  const auto refused = node_stub_->Attach(&too_early);
  EXPECT_FALSE(refused->Read(&message));
  EXPECT_EQ(refused->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);

  loop_.Run([&] { node_service_->SetProblem(""); });
  grpc::ClientContext again;
  SetDeadline(again);
  const auto welcome = node_stub_->Attach(&again);
  EXPECT_TRUE(welcome->Read(&message));
  loop_.Run([&] { node_service_->EndStreams(); });
  EXPECT_FALSE(welcome->Read(&message));
  welcome->Finish();
}

}  // namespace
}  // namespace so
