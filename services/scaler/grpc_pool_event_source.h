#pragma once

#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "rpc/loop.h"
#include "serverless/pool/v1/pool.grpc.pb.h"
#include "services/scaler/pool_event_source.h"

namespace so {

// Asks pools for their events, each within `timeout`. Thread-safe. Must outlive
// its calls.
class GrpcPoolEventSource final : public PoolEventSource {
 public:
  // `loop` is borrowed.
  GrpcPoolEventSource(RpcLoop& loop,
                      const std::vector<std::shared_ptr<grpc::Channel>>& pools,
                      absl::Duration timeout);

  size_t pools() const override { return pools_.size(); }
  void Read(size_t pool, int64_t sequence, Done done) override;

 private:
  RpcLoop& loop_;
  std::vector<std::unique_ptr<serverless::pool::v1::PoolNodeService::Stub>>
      pools_;
  const absl::Duration timeout_;
};

}  // namespace so
