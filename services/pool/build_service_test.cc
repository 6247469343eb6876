#include "services/pool/build_service.h"

#include <chrono>
#include <memory>
#include <thread>

#include "base/testing/status_matchers.h"
#include "gtest/gtest.h"
#include "rpc/server.h"
#include "rpc/status.h"
#include "services/pool/event_loop.h"
#include "services/pool/testing/build_fixture.h"

namespace so {
namespace {

namespace pb = serverless::pool::v1;

// The service over a channel; the fixture is touched on the loop thread only.
class BuildServiceTest : public ::testing::Test {
 protected:
  BuildServiceTest() {
    loop_.Run([this] { fixture_ = std::make_unique<BuildFixture>(); });
    service_ = std::make_unique<BuildService>(loop_, *fixture_->builder_);
    server_ = *Server::Start({.address = "127.0.0.1:0"}, {service_.get()});
    stub_ = pb::BuildService::NewStub(server_->InProcessChannel());
    request_.set_runtime("node");
    request_.set_handler("index.handler");
    request_.set_code("source");
  }
  ~BuildServiceTest() override {
    server_->Shutdown(absl::Seconds(1));
    server_.reset();
    loop_.Run([this] { fixture_.reset(); });
  }

  absl::StatusOr<pb::BuildResponse> Build(
      std::chrono::milliseconds timeout = std::chrono::seconds(20)) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + timeout);
    pb::BuildResponse response;
    const grpc::Status status = stub_->Build(&context, request_, &response);
    if (!status.ok()) return FromGrpc(status);
    return response;
  }
  bool Started() {
    bool started = false;
    loop_.Run([&] { started = fixture_->sandbox_.started() > 0; });
    return started;
  }

  EventLoop loop_;
  std::unique_ptr<BuildFixture> fixture_;
  std::unique_ptr<BuildService> service_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<pb::BuildService::Stub> stub_;
  pb::BuildRequest request_;
};

TEST_F(BuildServiceTest, ProblemsAreAnAnswer) {
  std::jthread sandbox([this] {
    while (!Started()) std::this_thread::yield();
    loop_.Run([this] {
      FakeProcess& process = fixture_->sandbox_.last();
      process.Hello();
      process.Say(
          FrameType::kInitError,
          R"({"type":"HandlerNotFound","message":"no handler","stack":[]})");
      process.Exit({.exit_code = 1});
    });
  });
  const auto response = Build();
  SO_ASSERT_OK(response);
  ASSERT_EQ(response->problems_size(), 1);
  EXPECT_EQ(response->problems(0).text(), "no handler");
}

TEST_F(BuildServiceTest, RefusalsAreStatuses) {
  request_.set_runtime("cobol");
  EXPECT_THAT(Build(), HasErrorCode("INVALID_ARGUMENT"));
}

TEST_F(BuildServiceTest, TheSandboxEndsWithItsCaller) {
  EXPECT_THAT(Build(std::chrono::milliseconds(200)),
              HasCode(absl::StatusCode::kDeadlineExceeded));
  bool killed = false;
  while (!killed) {
    loop_.Run([&] { killed = fixture_->sandbox_.last().killed; });
  }
  loop_.Run([&] { fixture_->sandbox_.last().Exit({.signal = 9}); });
}

}  // namespace
}  // namespace so
