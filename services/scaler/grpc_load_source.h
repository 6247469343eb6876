#pragma once

#include <memory>

#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "rpc/loop.h"
#include "serverless/pool/v1/pool.grpc.pb.h"
#include "serverless/router/v1/router.grpc.pb.h"
#include "services/scaler/load_source.h"

namespace so {

// Reads the router's statistics and the pool's metrics at the same time and
// joins them: a function is reported when both know it. Fails when either
// cannot be read within `timeout`. Thread-safe. Must outlive its readings.
class GrpcLoadSource final : public LoadSource {
 public:
  // `loop` is borrowed.
  GrpcLoadSource(RpcLoop& loop, const std::shared_ptr<grpc::Channel>& router,
                 const std::shared_ptr<grpc::Channel>& pool,
                 absl::Duration timeout);

  void Read(Done done) override;

 private:
  RpcLoop& loop_;
  const std::unique_ptr<serverless::router::v1::RouterService::Stub> router_;
  const std::unique_ptr<serverless::pool::v1::PoolService::Stub> pool_;
  const absl::Duration timeout_;
};

}  // namespace so
