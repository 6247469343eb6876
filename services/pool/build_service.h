#pragma once

#include "serverless/pool/v1/build.grpc.pb.h"
#include "services/pool/builder.h"
#include "services/pool/executor.h"

namespace so {

// BuildService over gRPC: hands every call to the loop thread.
class BuildService final
    : public serverless::pool::v1::BuildService::CallbackService {
 public:
  // Both are borrowed; `builder` is used on the loop thread only.
  BuildService(Executor& loop, Builder& builder)
      : loop_(loop), builder_(builder) {}

  grpc::ServerUnaryReactor* Build(
      grpc::CallbackServerContext* context,
      const serverless::pool::v1::BuildRequest* request,
      serverless::pool::v1::BuildResponse* response) override;

 private:
  Executor& loop_;
  Builder& builder_;
};

}  // namespace so
