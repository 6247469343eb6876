#pragma once

#include "rpc/service.h"
#include "serverless/registry/v1/registry.grpc.pb.h"
#include "services/registry/function_registry.h"

namespace so {

// RegistryFeedService over a FunctionRegistry: only translates. `registry` is
// borrowed.
class RegistryFeedService final
    : public Service<serverless::registry::v1::RegistryFeedService> {
 public:
  explicit RegistryFeedService(FunctionRegistry& registry);

 private:
  void Watch(WriterPtr<serverless::registry::v1::WatchRequest,
                       serverless::registry::v1::WatchResponse>
                 writer);
  void ResolveFunction(
      CallPtr<serverless::registry::v1::ResolveFunctionRequest,
              serverless::registry::v1::ResolveFunctionResponse>
          call);
  void GetCode(CallPtr<serverless::registry::v1::GetCodeRequest,
                       serverless::registry::v1::GetCodeResponse>
                   call);

  FunctionRegistry& registry_;
};

}  // namespace so
