#pragma once

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "rpc/loop.h"
#include "serverless/router/v1/router.grpc.pb.h"
#include "services/scaler/invocation_logs.h"

namespace so {

// Asks the router, within `timeout`. Thread-safe. Must outlive its calls.
class GrpcInvocationLogs final : public InvocationLogs {
 public:
  // `loop` is borrowed.
  GrpcInvocationLogs(RpcLoop& loop,
                     const std::shared_ptr<grpc::Channel>& router,
                     absl::Duration timeout);

  void Find(const std::string& function_id, const std::string& request_id,
            Done done) override;

 private:
  RpcLoop& loop_;
  const std::unique_ptr<serverless::router::v1::RouterService::Stub> router_;
  const absl::Duration timeout_;
};

}  // namespace so
