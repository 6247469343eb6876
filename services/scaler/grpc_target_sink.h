#pragma once

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "rpc/loop.h"
#include "serverless/pool/v1/pool.grpc.pb.h"
#include "services/scaler/target_sink.h"

namespace so {

// Sets targets at a pool, each within `timeout`. Thread-safe. Must outlive its
// calls.
class GrpcTargetSink final : public TargetSink {
 public:
  // `loop` is borrowed.
  GrpcTargetSink(RpcLoop& loop, const std::shared_ptr<grpc::Channel>& pool,
                 absl::Duration timeout);

  void SetTarget(const std::string& function_id, int desired,
                 absl::Duration ttl, Done done) override;

 private:
  RpcLoop& loop_;
  const std::unique_ptr<serverless::pool::v1::PoolNodeService::Stub> pool_;
  const absl::Duration timeout_;
};

}  // namespace so
