#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "rpc/server_stream.h"
#include "serverless/pool/v1/pool.grpc.pb.h"
#include "services/pool/executor.h"
#include "services/pool/instance_pool.h"

namespace so {

// PoolService over gRPC: hands every call to the loop thread.
class PoolService final
    : public serverless::pool::v1::PoolService::CallbackService {
 public:
  // Adds to the metrics of the node; on the loop thread.
  using AddMetrics =
      std::function<void(serverless::pool::v1::GetMetricsResponse&)>;

  // Both are borrowed; `pool` is used on the loop thread only.
  PoolService(Executor& loop, InstancePool& pool, AddMetrics add_metrics = {})
      : loop_(loop), pool_(pool), add_metrics_(std::move(add_metrics)) {}

  grpc::ServerUnaryReactor* Warm(
      grpc::CallbackServerContext* context,
      const serverless::pool::v1::WarmRequest* request,
      serverless::pool::v1::WarmResponse* response) override;
  grpc::ServerUnaryReactor* ListInstances(
      grpc::CallbackServerContext* context,
      const serverless::pool::v1::ListInstancesRequest* request,
      serverless::pool::v1::ListInstancesResponse* response) override;
  grpc::ServerUnaryReactor* GetMetrics(
      grpc::CallbackServerContext* context,
      const serverless::pool::v1::GetMetricsRequest* request,
      serverless::pool::v1::GetMetricsResponse* response) override;

 private:
  Executor& loop_;
  InstancePool& pool_;
  const AddMetrics add_metrics_;
};

// PoolNodeService over gRPC: one stream per router, on the loop thread as well.
class PoolNodeService final
    : public serverless::pool::v1::PoolNodeService::CallbackService {
 public:
  PoolNodeService(Executor& loop, InstancePool& pool)
      : loop_(loop), pool_(pool) {}

  grpc::ServerBidiReactor<serverless::pool::v1::AttachRequest,
                          serverless::pool::v1::AttachResponse>*
  Attach(grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* SetTarget(
      grpc::CallbackServerContext* context,
      const serverless::pool::v1::SetTargetRequest* request,
      serverless::pool::v1::SetTargetResponse* response) override;

  // Both for the loop thread. While there is a problem, routers and the scaler
  // are told to come back later: streams end once what is queued is written, new
  // ones at once.
  void SetProblem(const std::string& problem);
  // The same for good.
  void EndStreams();

 private:
  class Session;

  Executor& loop_;
  InstancePool& pool_;
  // For the loop thread.
  absl::flat_hash_map<Session*, std::shared_ptr<Session>> sessions_;
  absl::Status status_;
  bool ended_ = false;
};

}  // namespace so
