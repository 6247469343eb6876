#pragma once

#include <memory>
#include <string>

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
  // Both are borrowed; `pool` is used on the loop thread only.
  PoolService(Executor& loop, InstancePool& pool) : loop_(loop), pool_(pool) {}

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

  // Ends the streams once what is queued is written, and every later one at
  // once. For the loop thread.
  void EndStreams();

 private:
  class Session;

  Executor& loop_;
  InstancePool& pool_;
  // For the loop thread.
  absl::flat_hash_map<Session*, std::shared_ptr<Session>> sessions_;
  bool ended_ = false;
};

}  // namespace so
