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
// As long as the pool takes to be restarted.
constexpr absl::Duration kWaitForPool = absl::Seconds(3);

// Lets the caller give up a call that may not have begun, or be over.
class CallHandle {
 public:
  void Set(grpc::ClientContext* context) {
    MutexLock lock(mu_);
    context_ = context;
    if (cancelled_ && context_ != nullptr) context_->TryCancel();
  }
  void Cancel() {
    MutexLock lock(mu_);
    cancelled_ = true;
    if (context_ != nullptr) context_->TryCancel();
  }

 private:
  Mutex mu_;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
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

// Whether the call may never have reached the pool.
bool IsLost(const absl::Status& status) {
  return absl::IsUnavailable(status) && !IsAnswer(status);
}

absl::StatusOr<BuildResponse> Explained(absl::StatusOr<BuildResponse> response,
                                        const Cancellation& caller) {
  if (response.ok()) return response;
  if (caller.cancelled()) return absl::CancelledError();
  return IsAnswer(response.status()) ? response.status()
                                     : NoAnswer(response.status());
}

}  // namespace

GrpcFunctionBuilder::GrpcFunctionBuilder(RpcLoop& loop,
                                         std::shared_ptr<grpc::Channel> channel)
    : loop_(loop),
      stub_(serverless::pool::v1::BuildService::NewStub(std::move(channel))) {}

GrpcFunctionBuilder::~GrpcFunctionBuilder() { calls_.Stop(); }

void GrpcFunctionBuilder::Build(BuildRequest request,
                                std::shared_ptr<Cancellation> caller,
                                OnBuilt done) {
  // A build may be repeated. The second attempt comes once the pool refuses an
  // empty request, which tells that it is there.
  auto again = std::make_shared<BuildRequest>(request);
  auto last = [this, caller, again](OnBuilt end) mutable {
    Call(std::move(*again), {.deadline = kDeadline}, caller,
         [caller, end = std::move(end)](
             absl::StatusOr<BuildResponse> response) mutable {
           end(Explained(std::move(response), *caller));
         });
  };
  Call(std::move(request), {.deadline = kDeadline}, caller,
       [this, caller, last,
        done = std::move(done)](absl::StatusOr<BuildResponse> first) mutable {
         if (first.ok() || !IsLost(first.status()) || caller->cancelled()) {
           done(Explained(std::move(first), *caller));
           return;
         }
         Call(BuildRequest(), {.deadline = kWaitForPool, .wait_for_pool = true},
              caller,
              [caller, last, done = std::move(done)](
                  absl::StatusOr<BuildResponse> probe) mutable {
                if (probe.ok() || IsAnswer(probe.status())) {
                  last(std::move(done));
                } else {
                  done(caller->cancelled()
                           ? absl::CancelledError()
                           : NoAnswer(absl::UnavailableError("")));
                }
              });
       });
}

void GrpcFunctionBuilder::Call(BuildRequest request, Patience patience,
                               std::shared_ptr<Cancellation> caller,
                               OnBuilt done) {
  auto handle = std::make_shared<CallHandle>();
  // Before the call, whose end may set the handle of the next.
  caller->OnCancel([handle] { handle->Cancel(); });
  auto context = std::make_shared<grpc::ClientContext*>(nullptr);
  CallUnary<BuildResponse>(
      patience.deadline,
      [&](grpc::ClientContext* c) {
        *context = c;
        c->set_wait_for_ready(patience.wait_for_pool);
        handle->Set(c);
        calls_.Add(c);
        return stub_->PrepareAsyncBuild(c, request, loop_.queue());
      },
      [this, context, handle,
       done = std::move(done)](absl::StatusOr<BuildResponse> response) mutable {
        handle->Set(nullptr);
        done(std::move(response));
        done = nullptr;
        calls_.Remove(*context);
      });
}

}  // namespace so
