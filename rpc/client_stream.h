#pragma once

#include <deque>
#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "base/mutex.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/async_stream.h"
#include "rpc/loop.h"
#include "rpc/status.h"

namespace so {

// The client's end of a bidirectional stream: one attempt, no reconnecting.
// Thread-safe. Keeps itself alive until the stream has ended.
//
//   auto stream = ClientStream<Out, In>::Start(
//       [&](grpc::ClientContext* context) {
//         return stub->PrepareAsyncAttach(context, loop.queue());
//       },
//       [](In message) {...},            // one at a time; must not block
//       [](const absl::Status& s) {...}) // once, when it has ended
template <typename Out, typename In>
class ClientStream
    : public std::enable_shared_from_this<ClientStream<Out, In>> {
 public:
  using Prepare = absl::AnyInvocable<std::unique_ptr<
      grpc::ClientAsyncReaderWriter<Out, In>>(grpc::ClientContext*)>;
  using OnMessage = absl::AnyInvocable<void(In)>;
  using OnEnd = absl::AnyInvocable<void(const absl::Status&)>;

  static std::shared_ptr<ClientStream> Start(Prepare prepare,
                                             OnMessage on_message,
                                             OnEnd on_end) {
    std::shared_ptr<ClientStream> stream(
        new ClientStream(std::move(on_message), std::move(on_end)));
    stream->call_ = prepare(&stream->context_);
    stream->call_->StartCall(stream->started_.Begin(stream));
    return stream;
  }

  // Queues a message; returns false when the stream has already ended. A
  // message that was queued may still be lost when the stream breaks.
  bool Send(Out message) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    if (ended_) return false;
    queue_.push_back(std::move(message));
    if (open_ && queue_.size() == 1) Write();
    return true;
  }

  // Ends the stream soon; on_end still runs.
  void Cancel() { context_.TryCancel(); }

 private:
  ClientStream(OnMessage on_message, OnEnd on_end)
      : on_message_(std::move(on_message)), on_end_(std::move(on_end)) {}

  void OnStarted(bool ok) ABSL_LOCKS_EXCLUDED(mu_) {
    if (!ok) return Finish();
    Read();
    MutexLock lock(mu_);
    open_ = true;
    if (!queue_.empty()) Write();
  }

  void Read() {
    call_->Read(&incoming_, read_.Begin(this->shared_from_this()));
  }

  void OnRead(bool ok) {
    if (!ok) return Finish();
    on_message_(std::move(incoming_));
    incoming_ = In();
    Read();
  }

  void Write() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    call_->Write(queue_.front(), written_.Begin(this->shared_from_this()));
  }

  void OnWritten(bool ok) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    queue_.pop_front();
    if (!ok || ended_) queue_.clear();
    if (!queue_.empty()) Write();
  }

  void Finish() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    ended_ = true;
    call_->Finish(&status_, finished_.Begin(this->shared_from_this()));
  }

  void OnFinished() {
    on_end_(FromGrpc(status_));
    // They may hold what holds this.
    on_message_ = nullptr;
    on_end_ = nullptr;
  }

  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<Out, In>> call_;
  RpcEvent started_{[this](bool ok) { OnStarted(ok); }};
  RpcEvent read_{[this](bool ok) { OnRead(ok); }};
  RpcEvent written_{[this](bool ok) { OnWritten(ok); }};
  RpcEvent finished_{[this](bool) { OnFinished(); }};
  // For the loop.
  OnMessage on_message_;
  OnEnd on_end_;
  In incoming_;
  grpc::Status status_;

  Mutex mu_;
  bool open_ ABSL_GUARDED_BY(mu_) = false;
  // From here on nothing is written.
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  // The front is being written, once the stream is open.
  std::deque<Out> queue_ ABSL_GUARDED_BY(mu_);
};

// The client's end of a stream that only receives. Thread-safe, same contract.
template <typename In>
class ClientReader : public std::enable_shared_from_this<ClientReader<In>> {
 public:
  using Prepare =
      absl::AnyInvocable<std::unique_ptr<grpc::ClientAsyncReader<In>>(
          grpc::ClientContext*)>;
  using OnMessage = absl::AnyInvocable<void(In)>;
  using OnEnd = absl::AnyInvocable<void(const absl::Status&)>;

  static std::shared_ptr<ClientReader> Start(Prepare prepare,
                                             OnMessage on_message,
                                             OnEnd on_end) {
    std::shared_ptr<ClientReader> reader(
        new ClientReader(std::move(on_message), std::move(on_end)));
    reader->call_ = prepare(&reader->context_);
    reader->call_->StartCall(reader->started_.Begin(reader));
    return reader;
  }

  // Ends the stream soon; on_end still runs.
  void Cancel() { context_.TryCancel(); }

 private:
  ClientReader(OnMessage on_message, OnEnd on_end)
      : on_message_(std::move(on_message)), on_end_(std::move(on_end)) {}

  void OnStarted(bool ok) { ok ? Read() : Finish(); }

  void Read() {
    call_->Read(&incoming_, read_.Begin(this->shared_from_this()));
  }

  void OnRead(bool ok) {
    if (!ok) return Finish();
    on_message_(std::move(incoming_));
    incoming_ = In();
    Read();
  }

  void Finish() {
    call_->Finish(&status_, finished_.Begin(this->shared_from_this()));
  }

  void OnFinished() {
    on_end_(FromGrpc(status_));
    // They may hold what holds this.
    on_message_ = nullptr;
    on_end_ = nullptr;
  }

  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientAsyncReader<In>> call_;
  RpcEvent started_{[this](bool ok) { OnStarted(ok); }};
  RpcEvent read_{[this](bool ok) { OnRead(ok); }};
  RpcEvent finished_{[this](bool) { OnFinished(); }};
  // For the loop.
  OnMessage on_message_;
  OnEnd on_end_;
  In incoming_;
  grpc::Status status_;
};

}  // namespace so
