#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_unary_call.h"
#include "rpc/loop.h"
#include "rpc/open_calls.h"
#include "rpc/server_context.h"
#include "rpc/status.h"

namespace so {

// A unary call that has arrived, answered at once or later, from any thread,
// exactly once. Lives until it is answered and nobody holds it.
//
//   void Service::Create(CallPtr<CreateRequest, CreateResponse> call) {
//     writer_.Submit(call->request(), [call](absl::StatusOr<Function> f) {
//       if (f.ok()) *call->response().mutable_function() = *std::move(f);
//       call->Finish(f.status());
//     });
//   }
template <typename Request, typename Response>
class ServerCall
    : public std::enable_shared_from_this<ServerCall<Request, Response>> {
 public:
  // Valid and unchanged for the life of the call, or until it is taken: large
  // ones need not be copied.
  const Request& request() const { return request_; }
  Request TakeRequest() { return std::move(request_); }
  // To be filled in before Finish, and never touched after it.
  Response& response() { return response_; }

  // See MetadataOf and DeadlineOf.
  std::string metadata(const std::string& key) const {
    return MetadataOf(context_, key);
  }
  absl::Time deadline() const { return DeadlineOf(context_); }

  // `callback` runs at most once, when the client goes away or its deadline
  // passes before Finish: at once, in here, if that has happened already. The
  // call must still be finished. May be set once.
  void OnCancel(absl::AnyInvocable<void()> callback) ABSL_LOCKS_EXCLUDED(mu_) {
    {
      MutexLock lock(mu_);
      if (!cancelled_) {
        if (!ended_) on_cancel_ = std::move(callback);
        return;
      }
    }
    callback();
  }

  // A second Finish is ignored.
  void Finish(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_) {
    {
      MutexLock lock(mu_);
      // Nothing may be started on a call that is over.
      if (std::exchange(finished_, true) || ended_) return;
    }
    void* tag = finish_event_.Begin(this->shared_from_this());
    if (status.ok()) {
      writer_.Finish(response_, grpc::Status::OK, tag);
    } else {
      writer_.FinishWithError(ToGrpc(status), tag);
    }
  }

 private:
  template <typename Method, typename Call>
  friend class Acceptor;

  // Asks gRPC for the next call of the method.
  template <typename Method>
  void Await(Method& method, grpc::ServerCompletionQueue* queue, void* tag) {
    context_.AsyncNotifyWhenDone(&end_event_);
    method(&context_, &request_, &writer_, queue, tag);
  }
  void Arrived(OpenCalls* open_calls) {
    open_calls_ = open_calls;
    open_calls_->Add();
    end_event_.Begin(this->shared_from_this());
  }

  void Ended() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::AnyInvocable<void()> callback;
    {
      MutexLock lock(mu_);
      ended_ = true;
      cancelled_ = !finished_;
      callback = std::exchange(on_cancel_, nullptr);
      if (!cancelled_) callback = nullptr;
    }
    if (callback) callback();
    callback = nullptr;  // It may hold what the service is made of.
    open_calls_->Remove();
  }

  grpc::ServerContext context_;
  Request request_;
  Response response_;
  grpc::ServerAsyncResponseWriter<Response> writer_{&context_};
  RpcEvent finish_event_;
  // gRPC knows by it when the call is over, answered or not.
  RpcEvent end_event_{[this](bool) { Ended(); }};

  OpenCalls* open_calls_ = nullptr;

  Mutex mu_;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  absl::AnyInvocable<void()> on_cancel_ ABSL_GUARDED_BY(mu_);
};

template <typename Request, typename Response>
using CallPtr = std::shared_ptr<ServerCall<Request, Response>>;

}  // namespace so
