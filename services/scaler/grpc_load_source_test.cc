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

  // From as many pools.
  absl::StatusOr<LoadReading> Read(int pools = 1) {
    GrpcLoadSource source(loop_, server_->InProcessChannel(), Pools(pools),
                          absl::Seconds(10));
    std::promise<absl::StatusOr<LoadReading>> reading;
    source.Read([&](auto result) { reading.set_value(std::move(result)); });
    return reading.get_future().get();
  }

  std::vector<std::shared_ptr<grpc::Channel>> Pools(int count) {
    return std::vector<std::shared_ptr<grpc::Channel>>(
        count, server_->InProcessChannel());
  }

  absl::Status SetTarget(int desired, absl::Duration ttl,
                         std::vector<int> by_pool = {0}) {
    GrpcTargetSink sink(loop_, Pools(static_cast<int>(by_pool.size())),
                        absl::Seconds(10));
    std::promise<absl::Status> status;
    sink.SetTarget({.function_id = "fn-1",
                    .desired = desired,
                    .ttl = ttl,
                    .idle_timeout = absl::Seconds(7),
                    .reason = "drain",
                    .by_pool = std::move(by_pool)},
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
  const auto reading = Read();
  SO_ASSERT_OK(reading);
  ASSERT_THAT(reading->loads, SizeIs(2));
  const FunctionLoad& load = reading->loads.front();
  EXPECT_EQ(load.function_id, "fn-1");
  EXPECT_EQ(load.queue_depth, 12);
  EXPECT_EQ(load.busy, 2);
  EXPECT_FALSE(load.error_rate.has_value());
  EXPECT_EQ(reading->loads[1].function_id, "fn-never-invoked");
}

TEST_F(GrpcLoadSourceTest, AddsUpSeveralPools) {
  const auto reading = Read(3);
  SO_ASSERT_OK(reading);
  EXPECT_EQ(reading->loads.front().busy, 6);
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
  EXPECT_EQ(node_.received.idle_timeout(), 7000);
  EXPECT_EQ(node_.received.reason(), "drain");
}

TEST_F(GrpcLoadSourceTest, EachPoolGetsItsShare) {
  SO_EXPECT_OK(SetTarget(7, absl::Seconds(15), {-1, 3}));
  EXPECT_EQ(node_.received.desired(), 7);
  EXPECT_THAT(SetTarget(7, absl::Seconds(15), {-1, -1}),
              HasCode(absl::StatusCode::kUnavailable));
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
