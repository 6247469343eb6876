#pragma once

#include <deque>
#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "base/mutex.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"
#include "rpc/loop.h"
#include "rpc/open_calls.h"
#include "rpc/status.h"

namespace so {

// The server's end of a bidirectional stream: an outgoing queue and a callback
// per incoming message. Thread-safe.
//
//   void Service::Attach(StreamPtr<In, Out> stream) {
//     stream->Start([](In message) {...},  // one at a time; must not block
//                   [] {...});             // once, when the stream has ended
//     stream->Send(out);
//   }
//
// The queue is unbounded: bound what is sent by the protocol above.
template <typename In, typename Out>
class ServerStream
    : public std::enable_shared_from_this<ServerStream<In, Out>> {
 public:
  using OnMessage = absl::AnyInvocable<void(In)>;
  using OnEnd = absl::AnyInvocable<void()>;

  // Called once, by whoever was handed the new stream.
  void Start(OnMessage on_message, OnEnd on_end) ABSL_LOCKS_EXCLUDED(mu_) {
    on_message_ = std::move(on_message);
    on_end_ = std::move(on_end);
    Read();
  }

  // Queues a message. Dropped when the stream has ended.
  void Send(Out message) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    if (finishing_) return;
    queue_.push_back(std::move(message));
    if (queue_.size() == 1) Write();
  }

  // Ends the stream once the queue is written.
  void Finish(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    if (std::exchange(finishing_, true)) return;
    status_ = ToGrpc(status);
    if (queue_.empty()) FinishNow();
  }

 private:
  template <typename Method, typename Call>
  friend class Acceptor;

  template <typename Method>
  void Await(Method& method, grpc::ServerCompletionQueue* queue, void* tag) {
    method(&context_, &stream_, queue, tag);
  }
  void Arrived(OpenCalls* open_calls) {
    open_calls_ = open_calls;
    open_calls_->Add();
  }

  void Read() {
    stream_.Read(&incoming_, read_.Begin(this->shared_from_this()));
  }

  void OnRead(bool ok) ABSL_LOCKS_EXCLUDED(mu_) {
    if (ok) {
      on_message_(std::move(incoming_));
      incoming_ = In();
      Read();
      return;
    }
    // The client has half-closed or is gone; either way it is over.
    bool over;
    {
      MutexLock lock(mu_);
      reading_ = false;
      // What is being written completes first; OnWritten finishes then.
      if (queue_.size() > 1) queue_.erase(queue_.begin() + 1, queue_.end());
      if (!std::exchange(finishing_, true) && queue_.empty()) FinishNow();
      over = is_finished_;
    }
    if (over) End();
  }

  void Write() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    stream_.Write(queue_.front(), written_.Begin(this->shared_from_this()));
  }

  void OnWritten(bool ok) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    queue_.pop_front();
    if (!ok) {
      queue_.clear();
      finishing_ = true;
    }
    if (!queue_.empty()) {
      Write();
    } else if (finishing_) {
      FinishNow();
    }
  }

  void FinishNow() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    stream_.Finish(status_, finished_.Begin(this->shared_from_this()));
  }

  void OnFinished() ABSL_LOCKS_EXCLUDED(mu_) {
    bool over;
    {
      MutexLock lock(mu_);
      is_finished_ = true;
      over = !reading_;
    }
    if (over) End();
  }

  void End() {
    on_end_();
    // They may hold what holds this.
    on_message_ = nullptr;
    on_end_ = nullptr;
    open_calls_->Remove();
  }

  grpc::ServerContext context_;
  grpc::ServerAsyncReaderWriter<Out, In> stream_{&context_};
  RpcEvent read_{[this](bool ok) { OnRead(ok); }};
  RpcEvent written_{[this](bool ok) { OnWritten(ok); }};
  RpcEvent finished_{[this](bool) { OnFinished(); }};
  // For the loop.
  OpenCalls* open_calls_ = nullptr;
  In incoming_;
  OnMessage on_message_;
  OnEnd on_end_;

  Mutex mu_;
  bool reading_ ABSL_GUARDED_BY(mu_) = true;
  // Nothing more is queued.
  bool finishing_ ABSL_GUARDED_BY(mu_) = false;
  bool is_finished_ ABSL_GUARDED_BY(mu_) = false;
  grpc::Status status_ ABSL_GUARDED_BY(mu_);
  // The front is being written.
  std::deque<Out> queue_ ABSL_GUARDED_BY(mu_);
};

template <typename In, typename Out>
using StreamPtr = std::shared_ptr<ServerStream<In, Out>>;

}  // namespace so
