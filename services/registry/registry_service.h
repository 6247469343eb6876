#pragma once

#include "serverless/registry/v1/registry.grpc.pb.h"
#include "services/registry/function_registry.h"

namespace so {

// RegistryService over a FunctionRegistry: only translates. `registry` is
// borrowed.
class RegistryService final
    : public serverless::registry::v1::RegistryService::CallbackService {
 public:
  explicit RegistryService(FunctionRegistry& registry) : registry_(registry) {}

  grpc::ServerUnaryReactor* CreateFunction(
      grpc::CallbackServerContext* context,
      const serverless::registry::v1::CreateFunctionRequest* request,
      serverless::registry::v1::CreateFunctionResponse* response) override;
  grpc::ServerUnaryReactor* GetFunction(
      grpc::CallbackServerContext* context,
      const serverless::registry::v1::GetFunctionRequest* request,
      serverless::registry::v1::GetFunctionResponse* response) override;
  grpc::ServerUnaryReactor* ListFunctions(
      grpc::CallbackServerContext* context,
      const serverless::registry::v1::ListFunctionsRequest* request,
      serverless::registry::v1::ListFunctionsResponse* response) override;
  grpc::ServerUnaryReactor* ReplaceFunction(
      grpc::CallbackServerContext* context,
      const serverless::registry::v1::ReplaceFunctionRequest* request,
      serverless::registry::v1::ReplaceFunctionResponse* response) override;
  grpc::ServerUnaryReactor* UpdateFunction(
      grpc::CallbackServerContext* context,
      const serverless::registry::v1::UpdateFunctionRequest* request,
      serverless::registry::v1::UpdateFunctionResponse* response) override;
  grpc::ServerUnaryReactor* DeleteFunction(
      grpc::CallbackServerContext* context,
      const serverless::registry::v1::DeleteFunctionRequest* request,
      serverless::registry::v1::DeleteFunctionResponse* response) override;
  grpc::ServerUnaryReactor* ListVersions(
      grpc::CallbackServerContext* context,
      const serverless::registry::v1::ListVersionsRequest* request,
      serverless::registry::v1::ListVersionsResponse* response) override;
  grpc::ServerUnaryReactor* RollbackFunction(
      grpc::CallbackServerContext* context,
      const serverless::registry::v1::RollbackFunctionRequest* request,
      serverless::registry::v1::RollbackFunctionResponse* response) override;

 private:
  FunctionRegistry& registry_;
};

}  // namespace so
