#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "base/executor.h"
#include "rpc/service.h"
#include "serverless/pool/v1/pool.grpc.pb.h"
#include "services/pool/instance_pool.h"
#include "services/pool/parked_pool.h"
#include "services/pool/start_steps.h"

namespace so {

// PoolService over gRPC: hands every call to the loop thread.
class PoolService final : public Service<serverless::pool::v1::PoolService> {
 public:
  // All are borrowed; all but `loop` are used on the loop thread only.
  PoolService(Executor& loop, InstancePool& pool, const ParkedPool& parked,
              const StartSteps& steps);

 private:
  void Warm(CallPtr<serverless::pool::v1::WarmRequest,
                    serverless::pool::v1::WarmResponse>
                call);
  void ListInstances(CallPtr<serverless::pool::v1::ListInstancesRequest,
                             serverless::pool::v1::ListInstancesResponse>
                         call);
  void GetMetrics(CallPtr<serverless::pool::v1::GetMetricsRequest,
                          serverless::pool::v1::GetMetricsResponse>
                      call);
  void GetIsolation(CallPtr<serverless::pool::v1::GetIsolationRequest,
                            serverless::pool::v1::GetIsolationResponse>
                        call);

  Executor& loop_;
  InstancePool& pool_;
  const ParkedPool& parked_;
  const StartSteps& steps_;
};

// PoolNodeService over gRPC: one stream per router, on the loop thread as well.
class PoolNodeService final
    : public Service<serverless::pool::v1::PoolNodeService> {
 public:
  PoolNodeService(Executor& loop, InstancePool& pool);

  // Both for the loop thread. While there is a problem, routers and the scaler
  // are told to come back later: streams end once what is queued is written,
  // new ones at once.
  void SetProblem(const std::string& problem);
  // The same for good.
  void EndStreams();

 private:
  class Session;

  void Attach(StreamPtr<serverless::pool::v1::AttachRequest,
                        serverless::pool::v1::AttachResponse>
                  stream);
  void SetTarget(CallPtr<serverless::pool::v1::SetTargetRequest,
                         serverless::pool::v1::SetTargetResponse>
                     call);
  void ListEvents(CallPtr<serverless::pool::v1::ListEventsRequest,
                          serverless::pool::v1::ListEventsResponse>
                      call);

  Executor& loop_;
  InstancePool& pool_;
  // For the loop thread.
  absl::flat_hash_map<Session*, std::shared_ptr<Session>> sessions_;
  absl::Status status_;
  bool ended_ = false;
};

}  // namespace so
