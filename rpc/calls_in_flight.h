#pragma once

#include "absl/container/flat_hash_set.h"
#include "base/mutex.h"
#include "grpcpp/client_context.h"

namespace so {

// The unary calls of one client object, so that its destructor can end them
// and wait for their callbacks. Thread-safe.
//
//   start: calls_.Add(context);   done: answer(...); calls_.Remove(context);
class CallsInFlight {
 public:
  // `context` is borrowed until Remove. After Stop the call is cancelled at
  // once; it still has to be started and removed.
  void Add(grpc::ClientContext* context) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    contexts_.insert(context);
    if (stopping_) context->TryCancel();
  }

  // The last thing that a call's callback does with the client object.
  void Remove(grpc::ClientContext* context) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    contexts_.erase(context);
    if (contexts_.empty()) none_.SignalAll();
  }

  // Cancels every call and waits until all are removed.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    stopping_ = true;
    for (grpc::ClientContext* context : contexts_) context->TryCancel();
    while (!contexts_.empty()) none_.Wait(mu_);
  }

 private:
  Mutex mu_;
  CondVar none_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  absl::flat_hash_set<grpc::ClientContext*> contexts_ ABSL_GUARDED_BY(mu_);
};

}  // namespace so
