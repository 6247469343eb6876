#pragma once

#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "rpc/loop.h"
#include "serverless/pool/v1/pool.grpc.pb.h"
#include "services/scaler/target_sink.h"

namespace so {

// Sets targets at the pools, each its share, within `timeout`. A target counts
// as passed on when every pool with a share has accepted it. Thread-safe. Must
// outlive its calls.
class GrpcTargetSink final : public TargetSink {
 public:
  // `loop` is borrowed. In the order of FunctionLoad::by_pool; at least one.
  GrpcTargetSink(RpcLoop& loop,
                 const std::vector<std::shared_ptr<grpc::Channel>>& pools,
                 absl::Duration timeout);

  void SetTarget(const Target& target, Done done) override;

 private:
  RpcLoop& loop_;
  std::vector<std::unique_ptr<serverless::pool::v1::PoolNodeService::Stub>>
      pools_;
  const absl::Duration timeout_;
};

}  // namespace so
