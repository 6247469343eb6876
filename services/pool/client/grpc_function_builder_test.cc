#include "services/pool/client/grpc_function_builder.h"

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/testing/status_matchers.h"
#include "gtest/gtest.h"
#include "rpc/channel.h"
#include "rpc/loop.h"
#include "rpc/server.h"
#include "rpc/service.h"

namespace so {
namespace {

namespace pb = serverless::pool::v1;

using Answer = absl::StatusOr<pb::BuildResponse>;

// A pool that refuses requests without a runtime, leaves "slow" ones
// unanswered, and finds one problem in all others.
class FakeBuildService final : public Service<pb::BuildService> {
 public:
  FakeBuildService() {
    Unary(&Generated::RequestBuild, &FakeBuildService::Build);
  }

  std::atomic<bool> entered = false, left = false;

 private:
  void Build(CallPtr<pb::BuildRequest, pb::BuildResponse> call) {
    if (call->request().runtime().empty()) {
      call->Finish(InvalidArgument("runtime", "is required"));
    } else if (call->request().runtime() == "slow") {
      call->OnCancel([this, call] {
        left = true;
        call->Finish(absl::CancelledError());
      });
      entered = true;
    } else {
      call->response().add_problems()->set_text("a problem");
      call->Finish(absl::OkStatus());
    }
  }
};

class GrpcFunctionBuilderTest : public ::testing::Test {
 protected:
  void StartServer(const std::string& address) {
    service_ = std::make_unique<FakeBuildService>();
    server_ = *Server::Start({.address = address}, {service_.get()});
  }
  std::future<Answer> Build(const std::string& runtime) {
    pb::BuildRequest request;
    request.set_runtime(runtime);
    auto promise = std::make_shared<std::promise<Answer>>();
    builder_->Build(request, caller_,
                    [promise](Answer answer) { promise->set_value(answer); });
    return promise->get_future();
  }

  RpcLoop loop_;
  std::unique_ptr<FakeBuildService> service_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<GrpcFunctionBuilder> builder_;
  std::shared_ptr<Cancellation> caller_ = std::make_shared<Cancellation>();
};

TEST_F(GrpcFunctionBuilderTest, AnswersAndWaitsForAPoolThatComesBack) {
  StartServer("127.0.0.1:0");
  const std::string address = absl::StrCat("127.0.0.1:", server_->port());
  builder_ = std::make_unique<GrpcFunctionBuilder>(loop_, MakeChannel(address));
  const Answer answer = Build("node").get();
  SO_ASSERT_OK(answer);
  EXPECT_EQ(answer->problems(0).text(), "a problem");
  EXPECT_THAT(Build("").get(), HasErrorCode("INVALID_ARGUMENT"));

  server_ = nullptr;
  auto waiting = Build("node");
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  StartServer(address);
  SO_EXPECT_OK(waiting.get());

  server_ = nullptr;
  const Answer lost = Build("node").get();
  EXPECT_THAT(lost, HasErrorCode("UNAVAILABLE"));
  EXPECT_TRUE(ErrorFromStatus(lost.status()).retryable());
  EXPECT_NE(lost.status().message().find("the pool"), std::string::npos);
}

TEST_F(GrpcFunctionBuilderTest, TheCallerMayGiveUp) {
  StartServer("127.0.0.1:0");
  builder_ = std::make_unique<GrpcFunctionBuilder>(
      loop_, MakeChannel(absl::StrCat("127.0.0.1:", server_->port())));
  auto answer = Build("slow");
  while (!service_->entered) std::this_thread::yield();
  caller_->Cancel();
  EXPECT_THAT(answer.get(), HasCode(absl::StatusCode::kCancelled));
  while (!service_->left) std::this_thread::yield();
}

TEST_F(GrpcFunctionBuilderTest, NothingRunsOnceItIsGone) {
  StartServer("127.0.0.1:0");
  builder_ = std::make_unique<GrpcFunctionBuilder>(
      loop_, MakeChannel(absl::StrCat("127.0.0.1:", server_->port())));
  auto answer = Build("slow");
  while (!service_->entered) std::this_thread::yield();
  builder_ = nullptr;
  EXPECT_EQ(answer.wait_for(std::chrono::seconds(0)),
            std::future_status::ready);
  EXPECT_FALSE(answer.get().ok());
}

}  // namespace
}  // namespace so
