#include "services/registry/registry_service.h"

#include <utility>

#include "base/error.h"

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
template <typename Request, typename Response>
FunctionRegistry::OnFunction AnswerWith(CallPtr<Request, Response> call) {
  return [call = std::move(call)](absl::StatusOr<Function> function) {
    if (function.ok()) {
      *call->response().mutable_function() = *std::move(function);
    }
    call->Finish(function.status());
  };
}

// What ends the work of a call when its client leaves.
template <typename Request, typename Response>
Caller CallerOf(const CallPtr<Request, Response>& call) {
  auto caller = std::make_shared<Cancellation>();
  call->OnCancel([caller] { caller->Cancel(); });
  return caller;
}

// Refuses a request without a function.
template <typename Request, typename Response>
bool HasFunction(const CallPtr<Request, Response>& call) {
  if (call->request().has_function()) return true;
  call->Finish(InvalidArgument("function", "is required"));
  return false;
}

}  // namespace

RegistryService::RegistryService(FunctionRegistry& registry)
    : registry_(registry) {
  Unary(&Generated::RequestCreateFunction, &RegistryService::CreateFunction);
  Unary(&Generated::RequestGetFunction, &RegistryService::GetFunction);
  Unary(&Generated::RequestListFunctions, &RegistryService::ListFunctions);
  Unary(&Generated::RequestReplaceFunction, &RegistryService::ReplaceFunction);
  Unary(&Generated::RequestUpdateFunction, &RegistryService::UpdateFunction);
  Unary(&Generated::RequestDeleteFunction, &RegistryService::DeleteFunction);
  Unary(&Generated::RequestListVersions, &RegistryService::ListVersions);
  Unary(&Generated::RequestRollbackFunction,
        &RegistryService::RollbackFunction);
}

void RegistryService::CreateFunction(
    CallPtr<CreateFunctionRequest, CreateFunctionResponse> call) {
  if (!HasFunction(call)) return;
  registry_.Create(call->request().function(), AnswerWith(call),
                   CallerOf(call));
}

void RegistryService::GetFunction(
    CallPtr<GetFunctionRequest, GetFunctionResponse> call) {
  registry_.catalog().Get(call->request().function(), call->request().view(),
                          AnswerWith(call));
}

void RegistryService::ListFunctions(
    CallPtr<ListFunctionsRequest, ListFunctionsResponse> call) {
  absl::StatusOr<ListFunctionsResponse> page =
      registry_.catalog().List(call->request());
  if (page.ok()) call->response() = *std::move(page);
  call->Finish(page.status());
}

void RegistryService::ReplaceFunction(
    CallPtr<ReplaceFunctionRequest, ReplaceFunctionResponse> call) {
  if (!HasFunction(call)) return;
  registry_.Replace(call->request(), AnswerWith(call), CallerOf(call));
}

void RegistryService::UpdateFunction(
    CallPtr<UpdateFunctionRequest, UpdateFunctionResponse> call) {
  registry_.Update(call->request(), AnswerWith(call), CallerOf(call));
}

void RegistryService::DeleteFunction(
    CallPtr<DeleteFunctionRequest, DeleteFunctionResponse> call) {
  registry_.Delete(call->request(),
                   [call](const absl::Status& s) { call->Finish(s); });
}

void RegistryService::ListVersions(
    CallPtr<ListVersionsRequest, ListVersionsResponse> call) {
  registry_.catalog().ListVersions(
      call->request(), [call](absl::StatusOr<ListVersionsResponse> page) {
        if (page.ok()) call->response() = *std::move(page);
        call->Finish(page.status());
      });
}

void RegistryService::RollbackFunction(
    CallPtr<RollbackFunctionRequest, RollbackFunctionResponse> call) {
  registry_.Rollback(call->request(), AnswerWith(call), CallerOf(call));
}

}  // namespace so
