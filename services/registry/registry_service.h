#pragma once

#include "rpc/service.h"
#include "serverless/registry/v1/registry.grpc.pb.h"
#include "services/registry/function_registry.h"

namespace so {

// RegistryService over a FunctionRegistry: only translates. `registry` is
// borrowed.
class RegistryService final
    : public Service<serverless::registry::v1::RegistryService> {
 public:
  explicit RegistryService(FunctionRegistry& registry);

 private:
  void CreateFunction(CallPtr<serverless::registry::v1::CreateFunctionRequest,
                              serverless::registry::v1::CreateFunctionResponse>
                          call);
  void GetFunction(CallPtr<serverless::registry::v1::GetFunctionRequest,
                           serverless::registry::v1::GetFunctionResponse>
                       call);
  void ListFunctions(CallPtr<serverless::registry::v1::ListFunctionsRequest,
                             serverless::registry::v1::ListFunctionsResponse>
                         call);
  void ReplaceFunction(
      CallPtr<serverless::registry::v1::ReplaceFunctionRequest,
              serverless::registry::v1::ReplaceFunctionResponse>
          call);
  void UpdateFunction(CallPtr<serverless::registry::v1::UpdateFunctionRequest,
                              serverless::registry::v1::UpdateFunctionResponse>
                          call);
  void DeleteFunction(CallPtr<serverless::registry::v1::DeleteFunctionRequest,
                              serverless::registry::v1::DeleteFunctionResponse>
                          call);
  void ListVersions(CallPtr<serverless::registry::v1::ListVersionsRequest,
                            serverless::registry::v1::ListVersionsResponse>
                        call);
  void RollbackFunction(
      CallPtr<serverless::registry::v1::RollbackFunctionRequest,
              serverless::registry::v1::RollbackFunctionResponse>
          call);

  FunctionRegistry& registry_;
};

}  // namespace so
