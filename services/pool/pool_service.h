#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "rpc/server_stream.h"
#include "serverless/pool/v1/pool.grpc.pb.h"
#include "services/pool/executor.h"
#include "services/pool/instance_pool.h"
#include "services/pool/parked_pool.h"
#include "services/pool/start_steps.h"

namespace so {

// PoolService over gRPC: hands every call to the loop thread.
class PoolService final
    : public serverless::pool::v1::PoolService::CallbackService {
 public:
  // All are borrowed; all but `loop` are used on the loop thread only.
  PoolService(Executor& loop, InstancePool& pool, const ParkedPool& parked,
              const StartSteps& steps)
      : loop_(loop), pool_(pool), parked_(parked), steps_(steps) {}

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
  grpc::ServerUnaryReactor* GetIsolation(
      grpc::CallbackServerContext* context,
      const serverless::pool::v1::GetIsolationRequest* request,
      serverless::pool::v1::GetIsolationResponse* response) override;

 private:
  Executor& loop_;
  InstancePool& pool_;
  const ParkedPool& parked_;
  const StartSteps& steps_;
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
  // are told to come back later: streams end once what is queued is written,
  // new ones at once.
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
