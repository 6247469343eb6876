#include <chrono>
#include <future>
#include <vector>

#include "base/status_macros.h"
#include "base/testing/status_matchers.h"
#include "rpc/channel.h"
#include "rpc/client_stream.h"
#include "rpc/loop.h"
#include "rpc/server.h"
#include "rpc/service.h"
#include "serverless/pool/v1/pool.grpc.pb.h"

namespace so {
namespace {

using serverless::pool::v1::AttachRequest;
using serverless::pool::v1::AttachResponse;
using serverless::pool::v1::PoolNodeService;
using serverless::pool::v1::SetTargetRequest;
using serverless::pool::v1::SetTargetResponse;

// Answers each start with a StartFailed of the same id, "bye" with the end.
class EchoService final : public Service<PoolNodeService> {
 public:
  EchoService() {
    Stream(&Generated::RequestAttach, &EchoService::Attach);
    Unary(&Generated::RequestSetTarget, &EchoService::SetTarget);
  }

  std::promise<void> ended;
  std::promise<void> cancelled;
  std::promise<void> received;
  CallPtr<SetTargetRequest, SetTargetResponse> parked;

 private:
  void Attach(StreamPtr<AttachRequest, AttachResponse> stream) {
    stream->Start(
        [stream](const AttachRequest& request) {
          if (request.start().start_id() == "bye") {
            stream->Finish(absl::NotFoundError("bye"));
            return;
          }
          AttachResponse response;
          response.mutable_start_failed()->set_start_id(
              request.start().start_id());
          stream->Send(response);
        },
        [this] { ended.set_value(); });
  }

  void SetTarget(CallPtr<SetTargetRequest, SetTargetResponse> call) {
    if (call->request().desired() == 0) {
      call->response().set_total(7);
      call->Finish(absl::OkStatus());
      return;
    }
    parked = call;
    call->OnCancel([this] { cancelled.set_value(); });
    received.set_value();
  }
};

class StreamsTest : public testing::Test {
 protected:
  StreamsTest() {
    auto started = Server::Start({.address = "127.0.0.1:0"}, {&service_});
    EXPECT_THAT(started, IsOk());
    server_ = *std::move(started);
    stub_ = PoolNodeService::NewStub(server_->InProcessChannel());
  }

  // The status of a SetTarget call.
  std::future<absl::Status> CallWithDesired(int desired,
                                            grpc::ClientContext& context) {
    return std::async(std::launch::async, [this, desired, &context] {
      SetTargetRequest request;
      SetTargetResponse response;
      request.set_desired(desired);
      return FromGrpc(stub_->SetTarget(&context, request, &response));
    });
  }

  RpcLoop loop_;
  EchoService service_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<PoolNodeService::Stub> stub_;
};

AttachRequest Start(const std::string& id) {
  AttachRequest request;
  request.mutable_start()->set_start_id(id);
  return request;
}

TEST_F(StreamsTest, MessagesArriveInOrderAndTheStatusAtTheEnd) {
  std::vector<std::string> received;
  std::promise<absl::Status> ended;
  auto stream = ClientStream<AttachRequest, AttachResponse>::Start(
      [&](grpc::ClientContext* context) {
        return stub_->PrepareAsyncAttach(context, loop_.queue());
      },
      [&](AttachResponse response) {
        received.push_back(response.start_failed().start_id());
      },
      [&](const absl::Status& status) { ended.set_value(status); });
  std::vector<std::string> sent;
  for (int i = 0; i < 1000; ++i) {
    sent.push_back(absl::StrCat("start-", i));
    EXPECT_TRUE(stream->Send(Start(sent.back())));
  }
  stream->Send(Start("bye"));
  const absl::Status status = ended.get_future().get();
  EXPECT_THAT(status, HasCode(absl::StatusCode::kNotFound));
  EXPECT_EQ(received, sent);
  EXPECT_FALSE(stream->Send(Start("late")));
  service_.ended.get_future().wait();
}

TEST_F(StreamsTest, CancelEndsBothSides) {
  std::promise<absl::Status> ended;
  auto stream = ClientStream<AttachRequest, AttachResponse>::Start(
      [&](grpc::ClientContext* context) {
        return stub_->PrepareAsyncAttach(context, loop_.queue());
      },
      [&](AttachResponse) {},
      [&](const absl::Status& status) { ended.set_value(status); });
  stream->Send(Start("one"));
  stream->Cancel();
  EXPECT_THAT(ended.get_future().get(), HasCode(absl::StatusCode::kCancelled));
  service_.ended.get_future().wait();
}

TEST_F(StreamsTest, StreamToAMissingServerEndsUnavailable) {
  server_->Shutdown(absl::ZeroDuration());
  stub_ = PoolNodeService::NewStub(
      MakeChannel(absl::StrCat("127.0.0.1:", server_->port())));
  std::promise<absl::Status> ended;
  auto stream = ClientStream<AttachRequest, AttachResponse>::Start(
      [&](grpc::ClientContext* context) {
        return stub_->PrepareAsyncAttach(context, loop_.queue());
      },
      [&](AttachResponse) {},
      [&](const absl::Status& status) { ended.set_value(status); });
  EXPECT_THAT(ended.get_future().get(),
              HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(StreamsTest, AServerCallSeesTheClientGoAndMayStillFinish) {
  grpc::ClientContext context;
  auto answer = CallWithDesired(1, context);
  service_.received.get_future().wait();
  context.TryCancel();
  service_.cancelled.get_future().wait();
  service_.parked->Finish(absl::OkStatus());
  EXPECT_THAT(answer.get(), HasCode(absl::StatusCode::kCancelled));
  // It is told at once who asks too late.
  bool told = false;
  service_.parked->OnCancel([&] { told = true; });
  EXPECT_TRUE(told);
}

TEST_F(StreamsTest, ACallIsAnsweredOnce) {
  grpc::ClientContext context;
  auto answer = CallWithDesired(1, context);
  service_.received.get_future().wait();
  service_.parked->Finish(absl::OkStatus());
  service_.parked->Finish(absl::InternalError("again"));
  SO_EXPECT_OK(answer.get());
  bool told = false;
  service_.parked->OnCancel([&] { told = true; });
  server_->Shutdown(absl::Seconds(30));
  EXPECT_FALSE(told);
}

TEST_F(StreamsTest, AServerThatShutsDownCancelsAndForgetsItsCalls) {
  grpc::ClientContext context;
  auto answer = CallWithDesired(1, context);
  service_.received.get_future().wait();
  server_->Shutdown(absl::ZeroDuration());
  EXPECT_EQ(service_.cancelled.get_future().wait_for(std::chrono::seconds(0)),
            std::future_status::ready);
  EXPECT_FALSE(answer.get().ok());
  server_ = nullptr;
  service_.parked->Finish(absl::OkStatus());  // Nobody hears it.
}

TEST_F(StreamsTest, TypedErrorSurvivesTheWire) {
  grpc::ClientContext context;
  auto answer = CallWithDesired(1, context);
  service_.received.get_future().wait();
  service_.parked->Finish(InvalidArgument("ttl", "must be positive"));
  const absl::Status status = answer.get();
  EXPECT_THAT(status, HasErrorCode("INVALID_ARGUMENT"));
  EXPECT_EQ(ErrorFromStatus(status).details(0).field(), "ttl");
}

class HealthTest : public StreamsTest {
 protected:
  using Health = grpc::health::v1::Health;
  using Response = grpc::health::v1::HealthCheckResponse;

  static grpc::health::v1::HealthCheckRequest Of(const std::string& service) {
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(service);
    return request;
  }
  absl::StatusOr<Response> Check(const std::string& service) {
    grpc::ClientContext context;
    Response response;
    SO_RETURN_IF_ERROR(
        FromGrpc(health_->Check(&context, Of(service), &response)));
    return response;
  }

  std::unique_ptr<Health::Stub> health_ =
      Health::NewStub(server_->InProcessChannel());
};

TEST_F(HealthTest, KnowsTheServicesOfItsServer) {
  for (const char* service :
       {"", "serverless.pool.v1.PoolNodeService", "grpc.health.v1.Health"}) {
    const auto response = Check(service);
    SO_ASSERT_OK(response);
    EXPECT_EQ(response->status(), Response::SERVING) << service;
  }
  EXPECT_THAT(Check("no.such.Service"), HasCode(absl::StatusCode::kNotFound));
  server_->SetServing(false);
  EXPECT_EQ(Check("")->status(), Response::NOT_SERVING);
}

TEST_F(HealthTest, WatchTellsChangesUntilTheServerShutsDown) {
  grpc::ClientContext context;
  auto reader = health_->Watch(&context, Of(""));
  Response response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.status(), Response::SERVING);
  server_->SetServing(false);
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.status(), Response::NOT_SERVING);
  // A stream that is still open does not hold it up.
  server_->Shutdown(absl::Minutes(1));
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_THAT(FromGrpc(reader->Finish()),
              HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(HealthTest, WatchOfAnUnknownServiceSaysSo) {
  grpc::ClientContext context;
  auto reader = health_->Watch(&context, Of("no.such.Service"));
  Response response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.status(), Response::SERVICE_UNKNOWN);
}

TEST(ServerTest, TwoServersNeverShareAPort) {
  EchoService service;
  auto first = Server::Start({.address = "127.0.0.1:0"}, {&service});
  SO_ASSERT_OK(first);
  EchoService other;
  auto second = Server::Start(
      {.address = absl::StrCat("127.0.0.1:", (*first)->port())}, {&other});
  EXPECT_THAT(second, HasCode(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace so
