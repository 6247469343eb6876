#pragma once

#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "base/mutex.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "rpc/status.h"

namespace so {

// A unary call that is answered later, from any thread, exactly once. The
// domain holds a shared_ptr and calls Finish; gRPC's side of the object lives
// until gRPC is done with it, whichever comes last.
//
//   auto call = PendingCall::Start();
//   writer.Submit(request, [call, response](absl::StatusOr<Function> f) {
//     if (f.ok()) *response->mutable_function() = *std::move(f);
//     call->Finish(f.status());
//   });
//   return call->reactor();
//
// The response must be filled in before Finish, and never touched after it.
class PendingCall : public std::enable_shared_from_this<PendingCall> {
 public:
  // `on_cancel` runs at most once, when the client goes away or its deadline
  // passes before Finish; the call must still be finished.
  static std::shared_ptr<PendingCall> Start(
      absl::AnyInvocable<void()> on_cancel = {}) {
    auto call = std::shared_ptr<PendingCall>(new PendingCall);
    call->reactor_ = new Reactor(call, std::move(on_cancel));
    return call;
  }

  grpc::ServerUnaryReactor* reactor() { return reactor_; }

  // A second Finish is ignored.
  void Finish(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_) {
    {
      MutexLock lock(mu_);
      if (std::exchange(finished_, true)) return;
    }
    reactor_->Finish(ToGrpc(status));
  }

 private:
  class Reactor final : public grpc::ServerUnaryReactor {
   public:
    Reactor(std::shared_ptr<PendingCall> call,
            absl::AnyInvocable<void()> on_cancel)
        : call_(std::move(call)), on_cancel_(std::move(on_cancel)) {}
    void OnCancel() override {
      if (on_cancel_) on_cancel_();
    }
    void OnDone() override { delete this; }

   private:
    const std::shared_ptr<PendingCall> call_;
    absl::AnyInvocable<void()> on_cancel_;
  };

  PendingCall() = default;

  Reactor* reactor_ = nullptr;  // Owned by gRPC until OnDone.
  Mutex mu_;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
};

// Answers a call whose answer is in memory.
inline grpc::ServerUnaryReactor* FinishNow(grpc::CallbackServerContext* context,
                                           const absl::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpc(status));
  return reactor;
}

}  // namespace so
