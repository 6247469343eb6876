#pragma once

#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "rpc/loop.h"
#include "serverless/pool/v1/pool.grpc.pb.h"
#include "serverless/router/v1/router.grpc.pb.h"
#include "services/scaler/load_source.h"

namespace so {

// Reads the router's statistics and the metrics of all pools at the same time
// and joins them: a function is reported when a pool knows it. A pool that
// cannot be read within `timeout` counts as having nothing; without the router,
// or without any pool, the reading fails. Thread-safe. Must outlive its
// readings.
class GrpcLoadSource final : public LoadSource {
 public:
  // `loop` is borrowed. At least one pool.
  GrpcLoadSource(RpcLoop& loop, const std::shared_ptr<grpc::Channel>& router,
                 const std::vector<std::shared_ptr<grpc::Channel>>& pools,
                 absl::Duration timeout);

  void Read(Done done) override;

 private:
  RpcLoop& loop_;
  const std::unique_ptr<serverless::router::v1::RouterService::Stub> router_;
  std::vector<std::unique_ptr<serverless::pool::v1::PoolService::Stub>> pools_;
  const absl::Duration timeout_;
};

}  // namespace so
