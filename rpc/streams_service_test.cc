#include <future>
#include <vector>

#include "base/testing/status_matchers.h"
#include "rpc/channel.h"
#include "rpc/client_stream.h"
#include "rpc/pending_call.h"
#include "rpc/server.h"
#include "rpc/server_stream.h"
#include "serverless/pool/v1/pool.grpc.pb.h"

namespace so {
namespace {

using serverless::pool::v1::AttachRequest;
using serverless::pool::v1::AttachResponse;
using serverless::pool::v1::PoolNodeService;
using serverless::pool::v1::SetTargetRequest;
using serverless::pool::v1::SetTargetResponse;

// Answers each start with a StartFailed of the same id, "bye" with the end.
class EchoService final : public PoolNodeService::CallbackService {
 public:
  grpc::ServerBidiReactor<AttachRequest, AttachResponse>* Attach(
      grpc::CallbackServerContext*) override {
    using Stream = ServerStream<AttachRequest, AttachResponse>;
    auto self = std::make_shared<std::weak_ptr<Stream>>();
    auto stream = Stream::Start(
        [self](AttachRequest request) {
          const auto locked = self->lock();
          if (locked == nullptr) return;
          if (request.start().start_id() == "bye") {
            locked->Finish(absl::NotFoundError("bye"));
            return;
          }
          AttachResponse response;
          response.mutable_start_failed()->set_start_id(
              request.start().start_id());
          locked->Send(response);
        },
        [this] { ended.set_value(); });
    *self = stream;
    return stream->reactor();
  }

  grpc::ServerUnaryReactor* SetTarget(grpc::CallbackServerContext*,
                                      const SetTargetRequest* request,
                                      SetTargetResponse* response) override {
    auto call = PendingCall::Start([this] { cancelled.set_value(); });
    if (request->desired() == 0) {
      response->set_total(7);
      call->Finish(absl::OkStatus());
    } else {
      parked = call;
      received.set_value();
    }
    return call->reactor();
  }

  std::promise<void> ended;
  std::promise<void> cancelled;
  std::promise<void> received;
  std::shared_ptr<PendingCall> parked;
};

class StreamsTest : public testing::Test {
 protected:
  StreamsTest() {
    auto started = Server::Start({.address = "127.0.0.1:0"}, {&service_});
    EXPECT_THAT(started, IsOk());
    server_ = *std::move(started);
    stub_ = PoolNodeService::NewStub(server_->InProcessChannel());
  }

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
      [&](grpc::ClientContext* context, auto* reactor) {
        stub_->async()->Attach(context, reactor);
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
      [&](grpc::ClientContext* context, auto* reactor) {
        stub_->async()->Attach(context, reactor);
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
      [&](grpc::ClientContext* context, auto* reactor) {
        stub_->async()->Attach(context, reactor);
      },
      [&](AttachResponse) {},
      [&](const absl::Status& status) { ended.set_value(status); });
  EXPECT_THAT(ended.get_future().get(),
              HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(StreamsTest, PendingCallSeesTheClientGoAndMayStillFinish) {
  grpc::ClientContext context;
  SetTargetRequest request;
  SetTargetResponse response;
  request.set_desired(1);
  std::promise<grpc::Status> done;
  stub_->async()->SetTarget(&context, &request, &response,
                            [&](grpc::Status s) { done.set_value(s); });
  service_.received.get_future().wait();
  context.TryCancel();
  service_.cancelled.get_future().wait();
  service_.parked->Finish(absl::OkStatus());
  EXPECT_EQ(done.get_future().get().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(StreamsTest, TypedErrorSurvivesTheWire) {
  grpc::ClientContext context;
  SetTargetRequest request;
  SetTargetResponse response;
  request.set_desired(1);
  std::promise<grpc::Status> done;
  stub_->async()->SetTarget(&context, &request, &response,
                            [&](grpc::Status s) { done.set_value(s); });
  service_.received.get_future().wait();
  service_.parked->Finish(InvalidArgument("ttl", "must be positive"));
  const absl::Status status = FromGrpc(done.get_future().get());
  EXPECT_THAT(status, HasErrorCode("INVALID_ARGUMENT"));
  EXPECT_EQ(ErrorFromStatus(status).details(0).field(), "ttl");
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
