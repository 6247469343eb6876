#include "services/registry/client/grpc_function_directory.h"

#include <utility>

#include "base/error.h"
#include "rpc/client_call.h"

namespace so {
namespace {

using serverless::function::v1::Function;
using serverless::registry::v1::RegistryFeedService;
using serverless::registry::v1::ResolveFunctionRequest;
using serverless::registry::v1::ResolveFunctionResponse;

constexpr absl::Duration kDeadline = absl::Seconds(2);

// The registry's answer, or UNAVAILABLE when it has not given one.
absl::StatusOr<FunctionPtr> Answer(
    absl::StatusOr<ResolveFunctionResponse> response) {
  if (response.ok()) {
    return std::make_shared<const Function>(
        std::move(*response->mutable_function()));
  }
  switch (response.status().code()) {
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kInvalidArgument:
      return response.status();
    default: {
      Error error = MakeError("UNAVAILABLE", "the registry cannot be reached");
      error.set_retryable(true);
      return ErrorStatus(absl::StatusCode::kUnavailable, error);
    }
  }
}

}  // namespace

GrpcFunctionDirectory::GrpcFunctionDirectory(
    RpcLoop& loop, std::shared_ptr<grpc::Channel> channel, Timers& timers)
    : loop_(loop),
      stub_(RegistryFeedService::NewStub(std::move(channel))),
      watch_(
          std::make_shared<GrpcFunctionWatch>(loop, *stub_, timers, cache_)) {
  watch_->Start();
}

GrpcFunctionDirectory::~GrpcFunctionDirectory() {
  watch_->Stop();
  calls_.Stop();
}

void GrpcFunctionDirectory::Resolve(
    absl::string_view reference,
    absl::AnyInvocable<void(absl::StatusOr<FunctionPtr>)> done) {
  absl::StatusOr<FunctionReference> parsed = ParseFunctionReference(reference);
  if (!parsed.ok()) {
    done(parsed.status());
    return;
  }
  if (FunctionPtr known = cache_.Lookup(*parsed); known != nullptr) {
    done(std::move(known));
    return;
  }
  AskRegistry(*parsed, reference, std::move(done));
}

void GrpcFunctionDirectory::AskRegistry(
    const FunctionReference& reference, absl::string_view text,
    absl::AnyInvocable<void(absl::StatusOr<FunctionPtr>)> done) {
  ResolveFunctionRequest request;
  request.set_function(std::string(text));
  auto context = std::make_shared<grpc::ClientContext*>(nullptr);
  CallUnary<ResolveFunctionResponse>(
      kDeadline,
      [&](grpc::ClientContext* c) {
        *context = c;
        // The channel may be between two attempts to connect.
        c->set_wait_for_ready(true);
        calls_.Add(c);
        return stub_->PrepareAsyncResolveFunction(c, request, loop_.queue());
      },
      [this, context, current = cache_.FindCurrent(reference.function),
       done = std::move(done)](
          absl::StatusOr<ResolveFunctionResponse> response) mutable {
        absl::StatusOr<FunctionPtr> answer = Answer(std::move(response));
        if (answer.ok()) cache_.KeepVersion(*answer, current);
        done(std::move(answer));
        done = nullptr;
        calls_.Remove(*context);
      });
}

FunctionPtr GrpcFunctionDirectory::Find(absl::string_view function_id) const {
  return cache_.Find(function_id);
}

std::vector<FunctionPtr> GrpcFunctionDirectory::List() const {
  return cache_.List();
}

void GrpcFunctionDirectory::Subscribe(Listener& listener) {
  cache_.Subscribe(listener);
}

bool GrpcFunctionDirectory::synced() const { return cache_.synced(); }

}  // namespace so
