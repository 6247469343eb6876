#include "services/pool/client/grpc_function_builder.h"

#include <utility>

#include "base/error.h"
#include "rpc/client_call.h"

namespace so {
namespace {

using serverless::pool::v1::BuildRequest;
using serverless::pool::v1::BuildResponse;

// A little less than a client of the registry waits, so that it hears why.
constexpr absl::Duration kDeadline = absl::Seconds(170);

// Lets the caller give up a call that may be over at that moment.
class CallHandle {
 public:
  void Set(grpc::ClientContext* context) {
    MutexLock lock(mu_);
    context_ = context;
  }
  void Cancel() {
    MutexLock lock(mu_);
    if (context_ != nullptr) context_->TryCancel();
  }

 private:
  Mutex mu_;
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mu_) = nullptr;
};

// Whether the pool itself has said it.
bool IsAnswer(const absl::Status& status) {
  bool answer = false;
  status.ForEachPayload(
      [&](absl::string_view, const absl::Cord&) { answer = true; });
  return answer;
}

absl::Status NoAnswer(const absl::Status& status) {
  const bool late = absl::IsDeadlineExceeded(status);
  Error error = MakeError(
      "UNAVAILABLE",
      late ? "the pool did not check the code in time; nothing was changed"
           : "the pool, which checks code, cannot be reached; nothing was "
             "changed");
  error.set_retryable(true);
  return ErrorStatus(absl::StatusCode::kUnavailable, error);
}

absl::StatusOr<BuildResponse> Explained(absl::StatusOr<BuildResponse> response,
                                        const Cancellation& caller) {
  if (response.ok()) return response;
  if (caller.cancelled()) return absl::CancelledError();
  return IsAnswer(response.status()) ? response.status()
                                     : NoAnswer(response.status());
}

}  // namespace

GrpcFunctionBuilder::GrpcFunctionBuilder(std::shared_ptr<grpc::Channel> channel)
    : stub_(serverless::pool::v1::BuildService::NewStub(std::move(channel))) {}

GrpcFunctionBuilder::~GrpcFunctionBuilder() { calls_.Stop(); }

void GrpcFunctionBuilder::Build(BuildRequest request,
                                std::shared_ptr<Cancellation> caller,
                                OnBuilt done) {
  auto handle = std::make_shared<CallHandle>();
  auto context = std::make_shared<grpc::ClientContext*>(nullptr);
  CallUnary<BuildRequest, BuildResponse>(
      std::move(request), kDeadline,
      [this, context, handle](grpc::ClientContext* c, const BuildRequest* in,
                              BuildResponse* out,
                              std::function<void(grpc::Status)> on_done) {
        *context = c;
        handle->Set(c);
        calls_.Add(c);
        stub_->async()->Build(c, in, out, std::move(on_done));
      },
      [this, context, handle, caller,
       done = std::move(done)](absl::StatusOr<BuildResponse> response) mutable {
        handle->Set(nullptr);
        done(Explained(std::move(response), *caller));
        done = nullptr;
        calls_.Remove(*context);
      });
  // Holds the handle, not the call: it may be over by now.
  caller->OnCancel([handle] { handle->Cancel(); });
}

}  // namespace so
