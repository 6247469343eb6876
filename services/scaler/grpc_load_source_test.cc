#include "services/scaler/grpc_load_source.h"

#include <future>

#include "base/testing/status_matchers.h"
#include "rpc/loop.h"
#include "rpc/server.h"
#include "rpc/service.h"
#include "services/scaler/grpc_target_sink.h"

namespace so {
namespace {

using serverless::pool::v1::GetMetricsRequest;
using serverless::pool::v1::GetMetricsResponse;
using serverless::pool::v1::PoolNodeService;
using serverless::pool::v1::PoolService;
using serverless::pool::v1::SetTargetRequest;
using serverless::pool::v1::SetTargetResponse;
using serverless::router::v1::GetStatisticsRequest;
using serverless::router::v1::GetStatisticsResponse;
using serverless::router::v1::RouterService;
using testing::SizeIs;

class FakeRouter final : public Service<RouterService> {
 public:
  FakeRouter() {
    Unary(&Generated::RequestGetStatistics, &FakeRouter::GetStatistics);
  }
  absl::Status status;

 private:
  void GetStatistics(
      CallPtr<GetStatisticsRequest, GetStatisticsResponse> call) {
    auto* used = call->response().add_functions();
    used->set_function_id("fn-1");
    used->set_function_name("hello");
    used->set_queue_depth(12);
    used->set_average(250);
    used->set_invocations(40);
    used->set_rejected(3);
    call->response().add_functions()->set_function_id("fn-deleted");
    call->Finish(status);
  }
};

class FakePool final : public Service<PoolService> {
 public:
  FakePool() { Unary(&Generated::RequestGetMetrics, &FakePool::GetMetrics); }
  absl::Status status;

 private:
  void GetMetrics(CallPtr<GetMetricsRequest, GetMetricsResponse> call) {
    auto* used = call->response().add_metrics();
    used->set_function_id("fn-1");
    used->set_warm(1);
    used->set_busy(2);
    used->set_warming(3);
    used->set_max_instances(20);
    call->response().add_metrics()->set_function_id("fn-never-invoked");
    call->Finish(status);
  }
};

class FakePoolNode final : public Service<PoolNodeService> {
 public:
  FakePoolNode() {
    Unary(&Generated::RequestSetTarget, &FakePoolNode::SetTarget);
  }
  SetTargetRequest received;
  absl::Status status;

 private:
  void SetTarget(CallPtr<SetTargetRequest, SetTargetResponse> call) {
    received = call->request();
    call->Finish(status);
  }
};

class GrpcLoadSourceTest : public testing::Test {
 protected:
  GrpcLoadSourceTest() {
    auto started =
        Server::Start({.address = "127.0.0.1:0"}, {&router_, &pool_, &node_});
    EXPECT_THAT(started, IsOk());
    server_ = *std::move(started);
  }

  absl::StatusOr<std::vector<FunctionLoad>> Read() {
    GrpcLoadSource source(loop_, server_->InProcessChannel(),
                          server_->InProcessChannel(), absl::Seconds(10));
    std::promise<absl::StatusOr<std::vector<FunctionLoad>>> loads;
    source.Read([&](auto result) { loads.set_value(std::move(result)); });
    return loads.get_future().get();
  }

  absl::Status SetTarget(int desired, absl::Duration ttl) {
    GrpcTargetSink sink(loop_, server_->InProcessChannel(), absl::Seconds(10));
    std::promise<absl::Status> status;
    sink.SetTarget("fn-1", desired, ttl,
                   [&](absl::Status result) { status.set_value(result); });
    return status.get_future().get();
  }

  RpcLoop loop_;
  FakeRouter router_;
  FakePool pool_;
  FakePoolNode node_;
  std::unique_ptr<Server> server_;
};

TEST_F(GrpcLoadSourceTest, JoinsWhatRouterAndPoolSay) {
  const auto loads = Read();
  SO_ASSERT_OK(loads);
  ASSERT_THAT(*loads, SizeIs(1));
  const FunctionLoad& load = loads->front();
  EXPECT_EQ(load.function_id, "fn-1");
  EXPECT_EQ(load.function_name, "hello");
  EXPECT_EQ(load.queue_depth, 12);
  EXPECT_EQ(load.average_response, absl::Milliseconds(250));
  EXPECT_EQ(load.invocations, 40);
  EXPECT_EQ(load.rejected, 3);
  EXPECT_EQ(load.warm, 1);
  EXPECT_EQ(load.busy, 2);
  EXPECT_EQ(load.warming, 3);
  EXPECT_EQ(load.max_instances, 20);
  EXPECT_FALSE(load.error_rate.has_value());
}

TEST_F(GrpcLoadSourceTest, FailsWithoutTheRouter) {
  router_.status = absl::UnavailableError("draining");
  EXPECT_THAT(Read(), HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(GrpcLoadSourceTest, FailsWithoutThePool) {
  pool_.status = absl::UnavailableError("draining");
  EXPECT_THAT(Read(), HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(GrpcLoadSourceTest, TargetReachesThePool) {
  SO_EXPECT_OK(SetTarget(7, absl::Seconds(15)));
  EXPECT_EQ(node_.received.function_id(), "fn-1");
  EXPECT_EQ(node_.received.desired(), 7);
  EXPECT_EQ(node_.received.ttl(), 15000);
}

TEST_F(GrpcLoadSourceTest, TargetIsKeptWithinWhatThePoolAccepts) {
  SO_EXPECT_OK(SetTarget(1003, absl::Hours(3)));
  EXPECT_EQ(node_.received.desired(), 1000);
  EXPECT_EQ(node_.received.ttl(), 600000);
}

TEST_F(GrpcLoadSourceTest, RefusedTargetIsReported) {
  node_.status = absl::NotFoundError("no such function");
  EXPECT_THAT(SetTarget(7, absl::Seconds(15)),
              HasCode(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace so
