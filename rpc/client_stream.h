#pragma once

#include <deque>
#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "base/mutex.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/client_callback.h"
#include "rpc/status.h"

namespace so {

// The client's end of a bidirectional stream: one attempt, no reconnecting.
// Thread-safe. Keeps itself alive until the stream has ended.
//
//   auto stream = ClientStream<Out, In>::Start(
//       [&](grpc::ClientContext* context, auto* reactor) {
//         stub->async()->Attach(context, reactor);
//       },
//       [](In message) {...},            // one at a time; must not block
//       [](const absl::Status& s) {...}) // once, when it has ended
template <typename Out, typename In>
class ClientStream
    : public std::enable_shared_from_this<ClientStream<Out, In>> {
 public:
  using StartCall = absl::AnyInvocable<void(grpc::ClientContext*,
                                            grpc::ClientBidiReactor<Out, In>*)>;
  using OnMessage = absl::AnyInvocable<void(In)>;
  using OnEnd = absl::AnyInvocable<void(const absl::Status&)>;

  static std::shared_ptr<ClientStream> Start(StartCall start,
                                             OnMessage on_message,
                                             OnEnd on_end) {
    std::shared_ptr<ClientStream> stream(new ClientStream);
    stream->reactor_ =
        new Reactor(stream, std::move(on_message), std::move(on_end));
    stream->reactor_->Begin(std::move(start));
    return stream;
  }

  // Queues a message; returns false when the stream has already ended. A
  // message that was queued may still be lost when the stream breaks.
  bool Send(Out message) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    if (ended_) return false;
    queue_.push_back(std::move(message));
    if (queue_.size() == 1) reactor_->StartWrite(&queue_.front());
    return true;
  }

  // Ends the stream soon; on_end still runs.
  void Cancel() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    if (!ended_) reactor_->TryCancel();
  }

 private:
  class Reactor final : public grpc::ClientBidiReactor<Out, In> {
   public:
    Reactor(std::shared_ptr<ClientStream> stream, OnMessage on_message,
            OnEnd on_end)
        : stream_(std::move(stream)),
          on_message_(std::move(on_message)),
          on_end_(std::move(on_end)) {}

    void Begin(StartCall start) {
      start(&context_, this);
      this->StartRead(&incoming_);
      grpc::ClientBidiReactor<Out, In>::StartCall();
    }
    void TryCancel() { context_.TryCancel(); }

    void OnReadDone(bool ok) override {
      if (!ok) {
        stream_->SetEnded();
        return;
      }
      on_message_(std::move(incoming_));
      incoming_ = In();
      this->StartRead(&incoming_);
    }
    void OnWriteDone(bool ok) override { stream_->Written(ok); }
    void OnDone(const grpc::Status& status) override {
      stream_->SetEnded();
      on_end_(FromGrpc(status));
      delete this;
    }

   private:
    const std::shared_ptr<ClientStream> stream_;
    OnMessage on_message_;
    OnEnd on_end_;
    grpc::ClientContext context_;
    In incoming_;
  };

  ClientStream() = default;

  void Written(bool ok) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    queue_.pop_front();
    if (!ok) queue_.clear();
    if (!ended_ && !queue_.empty()) reactor_->StartWrite(&queue_.front());
  }

  void SetEnded() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    ended_ = true;
  }

  Reactor* reactor_ = nullptr;  // Owned by gRPC until OnDone.
  Mutex mu_;
  // From here on nothing is started on the reactor: it may be gone.
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<Out> queue_ ABSL_GUARDED_BY(mu_);
};

// The client's end of a stream that only receives. Thread-safe, same contract.
template <typename In>
class ClientReader : public std::enable_shared_from_this<ClientReader<In>> {
 public:
  using StartCall = absl::AnyInvocable<void(grpc::ClientContext*,
                                            grpc::ClientReadReactor<In>*)>;
  using OnMessage = absl::AnyInvocable<void(In)>;
  using OnEnd = absl::AnyInvocable<void(const absl::Status&)>;

  static std::shared_ptr<ClientReader> Start(StartCall start,
                                             OnMessage on_message,
                                             OnEnd on_end) {
    std::shared_ptr<ClientReader> reader(new ClientReader);
    reader->reactor_ =
        new Reactor(reader, std::move(on_message), std::move(on_end));
    reader->reactor_->Begin(std::move(start));
    return reader;
  }

  // Ends the stream soon; on_end still runs.
  void Cancel() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    if (!ended_) reactor_->TryCancel();
  }

 private:
  class Reactor final : public grpc::ClientReadReactor<In> {
   public:
    Reactor(std::shared_ptr<ClientReader> reader, OnMessage on_message,
            OnEnd on_end)
        : reader_(std::move(reader)),
          on_message_(std::move(on_message)),
          on_end_(std::move(on_end)) {}

    void Begin(StartCall start) {
      start(&context_, this);
      this->StartRead(&incoming_);
      grpc::ClientReadReactor<In>::StartCall();
    }
    void TryCancel() { context_.TryCancel(); }

    void OnReadDone(bool ok) override {
      if (!ok) return;
      on_message_(std::move(incoming_));
      incoming_ = In();
      this->StartRead(&incoming_);
    }
    void OnDone(const grpc::Status& status) override {
      reader_->SetEnded();
      on_end_(FromGrpc(status));
      delete this;
    }

   private:
    const std::shared_ptr<ClientReader> reader_;
    OnMessage on_message_;
    OnEnd on_end_;
    grpc::ClientContext context_;
    In incoming_;
  };

  ClientReader() = default;

  void SetEnded() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    ended_ = true;
  }

  Reactor* reactor_ = nullptr;  // Owned by gRPC until OnDone.
  Mutex mu_;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace so
