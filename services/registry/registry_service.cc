#include "services/registry/registry_service.h"

#include <utility>

#include "base/error.h"
#include "rpc/pending_call.h"

namespace so {
namespace {

using serverless::registry::v1::CreateFunctionRequest;
using serverless::registry::v1::CreateFunctionResponse;
using serverless::registry::v1::DeleteFunctionRequest;
using serverless::registry::v1::DeleteFunctionResponse;
using serverless::registry::v1::GetFunctionRequest;
using serverless::registry::v1::GetFunctionResponse;
using serverless::registry::v1::ListFunctionsRequest;
using serverless::registry::v1::ListFunctionsResponse;
using serverless::registry::v1::ListVersionsRequest;
using serverless::registry::v1::ListVersionsResponse;
using serverless::registry::v1::ReplaceFunctionRequest;
using serverless::registry::v1::ReplaceFunctionResponse;
using serverless::registry::v1::RollbackFunctionRequest;
using serverless::registry::v1::RollbackFunctionResponse;
using serverless::registry::v1::UpdateFunctionRequest;
using serverless::registry::v1::UpdateFunctionResponse;

// Answers `call` with a response that carries one function.
template <typename Response>
FunctionRegistry::OnFunction AnswerWith(std::shared_ptr<PendingCall> call,
                                        Response* response) {
  return [call = std::move(call), response](absl::StatusOr<Function> function) {
    if (function.ok()) *response->mutable_function() = *std::move(function);
    call->Finish(function.status());
  };
}

// A call whose work ends when its client leaves.
std::shared_ptr<PendingCall> StartFor(const Caller& caller) {
  return PendingCall::Start([caller] { caller->Cancel(); });
}

grpc::ServerUnaryReactor* RefuseWithoutFunction(
    grpc::CallbackServerContext* context) {
  return FinishNow(context, InvalidArgument("function", "is required"));
}

}  // namespace

grpc::ServerUnaryReactor* RegistryService::CreateFunction(
    grpc::CallbackServerContext* context, const CreateFunctionRequest* request,
    CreateFunctionResponse* response) {
  if (!request->has_function()) return RefuseWithoutFunction(context);
  auto caller = std::make_shared<Cancellation>();
  auto call = StartFor(caller);
  registry_.Create(request->function(), AnswerWith(call, response), caller);
  return call->reactor();
}

grpc::ServerUnaryReactor* RegistryService::GetFunction(
    grpc::CallbackServerContext*, const GetFunctionRequest* request,
    GetFunctionResponse* response) {
  auto call = PendingCall::Start();
  registry_.catalog().Get(request->function(), request->view(),
                          AnswerWith(call, response));
  return call->reactor();
}

grpc::ServerUnaryReactor* RegistryService::ListFunctions(
    grpc::CallbackServerContext* context, const ListFunctionsRequest* request,
    ListFunctionsResponse* response) {
  absl::StatusOr<ListFunctionsResponse> page =
      registry_.catalog().List(*request);
  if (page.ok()) *response = *std::move(page);
  return FinishNow(context, page.status());
}

grpc::ServerUnaryReactor* RegistryService::ReplaceFunction(
    grpc::CallbackServerContext* context, const ReplaceFunctionRequest* request,
    ReplaceFunctionResponse* response) {
  if (!request->has_function()) return RefuseWithoutFunction(context);
  auto caller = std::make_shared<Cancellation>();
  auto call = StartFor(caller);
  registry_.Replace(*request, AnswerWith(call, response), caller);
  return call->reactor();
}

grpc::ServerUnaryReactor* RegistryService::UpdateFunction(
    grpc::CallbackServerContext*, const UpdateFunctionRequest* request,
    UpdateFunctionResponse* response) {
  auto caller = std::make_shared<Cancellation>();
  auto call = StartFor(caller);
  registry_.Update(*request, AnswerWith(call, response), caller);
  return call->reactor();
}

grpc::ServerUnaryReactor* RegistryService::DeleteFunction(
    grpc::CallbackServerContext*, const DeleteFunctionRequest* request,
    DeleteFunctionResponse*) {
  auto call = PendingCall::Start();
  registry_.Delete(*request,
                   [call](const absl::Status& s) { call->Finish(s); });
  return call->reactor();
}

grpc::ServerUnaryReactor* RegistryService::ListVersions(
    grpc::CallbackServerContext*, const ListVersionsRequest* request,
    ListVersionsResponse* response) {
  auto call = PendingCall::Start();
  registry_.catalog().ListVersions(
      *request, [call, response](absl::StatusOr<ListVersionsResponse> page) {
        if (page.ok()) *response = *std::move(page);
        call->Finish(page.status());
      });
  return call->reactor();
}

grpc::ServerUnaryReactor* RegistryService::RollbackFunction(
    grpc::CallbackServerContext*, const RollbackFunctionRequest* request,
    RollbackFunctionResponse* response) {
  auto caller = std::make_shared<Cancellation>();
  auto call = StartFor(caller);
  registry_.Rollback(*request, AnswerWith(call, response), caller);
  return call->reactor();
}

}  // namespace so
