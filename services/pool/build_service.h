#pragma once

#include "base/executor.h"
#include "rpc/service.h"
#include "serverless/pool/v1/build.grpc.pb.h"
#include "services/pool/builder.h"

namespace so {

// BuildService over gRPC: hands every call to the loop thread.
class BuildService final : public Service<serverless::pool::v1::BuildService> {
 public:
  // Both are borrowed; `builder` is used on the loop thread only.
  BuildService(Executor& loop, Builder& builder);

 private:
  void Build(CallPtr<serverless::pool::v1::BuildRequest,
                     serverless::pool::v1::BuildResponse>
                 call);

  Executor& loop_;
  Builder& builder_;
};

}  // namespace so
