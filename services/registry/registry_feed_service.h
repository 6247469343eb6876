#pragma once

#include "serverless/registry/v1/registry.grpc.pb.h"
#include "services/registry/function_registry.h"

namespace so {

// RegistryFeedService over a FunctionRegistry: only translates. `registry` is
// borrowed.
class RegistryFeedService final
    : public serverless::registry::v1::RegistryFeedService::CallbackService {
 public:
  explicit RegistryFeedService(FunctionRegistry& registry)
      : registry_(registry) {}

  grpc::ServerWriteReactor<serverless::registry::v1::WatchResponse>* Watch(
      grpc::CallbackServerContext* context,
      const serverless::registry::v1::WatchRequest* request) override;
  grpc::ServerUnaryReactor* ResolveFunction(
      grpc::CallbackServerContext* context,
      const serverless::registry::v1::ResolveFunctionRequest* request,
      serverless::registry::v1::ResolveFunctionResponse* response) override;
  grpc::ServerUnaryReactor* GetCode(
      grpc::CallbackServerContext* context,
      const serverless::registry::v1::GetCodeRequest* request,
      serverless::registry::v1::GetCodeResponse* response) override;

 private:
  FunctionRegistry& registry_;
};

}  // namespace so
