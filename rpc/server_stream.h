#pragma once

#include <deque>
#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "base/mutex.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "rpc/status.h"

namespace so {

// The server's end of a bidirectional stream: an outgoing queue and a callback
// per incoming message. Thread-safe.
//
//   auto stream = ServerStream<In, Out>::Start(
//       [](In message) {...},   // one at a time, on a gRPC thread; must not
//       block
//       [] {...});              // once, when the stream has ended
//   stream->Send(out);
//   return stream->reactor();
//
// The queue is unbounded: bound what is sent by the protocol above.
template <typename In, typename Out>
class ServerStream
    : public std::enable_shared_from_this<ServerStream<In, Out>> {
 public:
  using OnMessage = absl::AnyInvocable<void(In)>;
  using OnEnd = absl::AnyInvocable<void()>;

  static std::shared_ptr<ServerStream> Start(OnMessage on_message,
                                             OnEnd on_end) {
    std::shared_ptr<ServerStream> stream(new ServerStream);
    stream->reactor_ =
        new Reactor(stream, std::move(on_message), std::move(on_end));
    return stream;
  }

  grpc::ServerBidiReactor<In, Out>* reactor() { return reactor_; }

  // Queues a message. Dropped when the stream has ended.
  void Send(Out message) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    if (done_ || finishing_) return;
    queue_.push_back(std::move(message));
    if (queue_.size() == 1) reactor_->StartWrite(&queue_.front());
  }

  // Ends the stream once the queue is written.
  void Finish(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    if (done_ || finishing_) return;
    finishing_ = true;
    status_ = ToGrpc(status);
    if (queue_.empty()) FinishOnce();
  }

 private:
  class Reactor final : public grpc::ServerBidiReactor<In, Out> {
   public:
    Reactor(std::shared_ptr<ServerStream> stream, OnMessage on_message,
            OnEnd on_end)
        : stream_(std::move(stream)),
          on_message_(std::move(on_message)),
          on_end_(std::move(on_end)) {
      this->StartRead(&incoming_);
    }
    void OnReadDone(bool ok) override {
      if (!ok) {
        // The client has half-closed or is gone; either way it is over.
        stream_->FinishAfterRead();
        return;
      }
      on_message_(std::move(incoming_));
      incoming_ = In();
      this->StartRead(&incoming_);
    }
    void OnWriteDone(bool ok) override { stream_->Written(ok); }
    void OnCancel() override { stream_->FinishAfterRead(); }
    void OnDone() override {
      stream_->SetDone();
      on_end_();
      delete this;
    }

   private:
    const std::shared_ptr<ServerStream> stream_;
    OnMessage on_message_;
    OnEnd on_end_;
    In incoming_;
  };

  ServerStream() = default;

  void Written(bool ok) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    queue_.pop_front();
    if (!ok) queue_.clear();
    if (!queue_.empty()) {
      reactor_->StartWrite(&queue_.front());
    } else if (finishing_ || !ok) {
      FinishOnce();
    }
  }

  void FinishAfterRead() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    if (done_) return;
    finishing_ = true;
    // A write in flight completes first; Written() finishes then.
    if (queue_.empty()) {
      FinishOnce();
    } else {
      queue_.erase(queue_.begin() + 1, queue_.end());
    }
  }

  void FinishOnce() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (std::exchange(finish_called_, true)) return;
    reactor_->Finish(status_);
  }

  void SetDone() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    done_ = true;
    queue_.clear();
  }

  Reactor* reactor_ = nullptr;  // Owned by gRPC until OnDone.
  Mutex mu_;
  bool done_ ABSL_GUARDED_BY(mu_) = false;
  bool finishing_ ABSL_GUARDED_BY(mu_) = false;
  bool finish_called_ ABSL_GUARDED_BY(mu_) = false;
  grpc::Status status_ ABSL_GUARDED_BY(mu_);
  // The front is being written; gRPC reads it until OnWriteDone. A deque keeps
  // it in place while others are added or erased behind it.
  std::deque<Out> queue_ ABSL_GUARDED_BY(mu_);
};

// The server's end of a stream that only sends. Thread-safe, same contract.
template <typename Out>
class ServerWriter : public std::enable_shared_from_this<ServerWriter<Out>> {
 public:
  // `on_end` runs once, when the stream has ended.
  static std::shared_ptr<ServerWriter> Start(
      absl::AnyInvocable<void()> on_end) {
    std::shared_ptr<ServerWriter> writer(new ServerWriter);
    writer->reactor_ = new Reactor(writer, std::move(on_end));
    return writer;
  }

  grpc::ServerWriteReactor<Out>* reactor() { return reactor_; }

  void Send(Out message) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    if (ended_) return;
    queue_.push_back(std::move(message));
    if (queue_.size() == 1) reactor_->StartWrite(&queue_.front());
  }

  // Ends the stream; what is queued but not being written is dropped.
  void Finish(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    if (std::exchange(ended_, true)) return;
    status_ = ToGrpc(status);
    if (queue_.empty()) {
      reactor_->Finish(status_);
    } else {
      queue_.erase(queue_.begin() + 1, queue_.end());
    }
  }

  // Messages queued and not yet written.
  size_t pending() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    return queue_.size();
  }

 private:
  class Reactor final : public grpc::ServerWriteReactor<Out> {
   public:
    Reactor(std::shared_ptr<ServerWriter> writer,
            absl::AnyInvocable<void()> on_end)
        : writer_(std::move(writer)), on_end_(std::move(on_end)) {}
    void OnWriteDone(bool ok) override { writer_->Written(ok); }
    void OnCancel() override { writer_->Finish(absl::CancelledError()); }
    void OnDone() override {
      on_end_();
      delete this;
    }

   private:
    const std::shared_ptr<ServerWriter> writer_;
    absl::AnyInvocable<void()> on_end_;
  };

  ServerWriter() = default;

  void Written(bool ok) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    queue_.pop_front();
    if (ended_) {
      reactor_->Finish(status_);
    } else if (!ok) {
      ended_ = true;
      queue_.clear();
      reactor_->Finish(grpc::Status::CANCELLED);
    } else if (!queue_.empty()) {
      reactor_->StartWrite(&queue_.front());
    }
  }

  Reactor* reactor_ = nullptr;  // Owned by gRPC until OnDone.
  mutable Mutex mu_;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  grpc::Status status_ ABSL_GUARDED_BY(mu_);
  std::deque<Out> queue_ ABSL_GUARDED_BY(mu_);
};

}  // namespace so
