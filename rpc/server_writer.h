#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"
#include "rpc/loop.h"
#include "rpc/open_calls.h"
#include "rpc/server_context.h"
#include "rpc/status.h"

namespace so {

// The server's end of a stream that only sends, one message at a time, so that
// whoever sends keeps pace with the client. Thread-safe.
//
//   void Service::Watch(WriterPtr<Request, Out> writer) {
//     writer->Start([](bool ok) {...},  // after every Write, on the loop
//                   [] {...});          // once, when the stream has ended
//     writer->Write(out);
//   }
template <typename Request, typename Out>
class ServerWriter
    : public std::enable_shared_from_this<ServerWriter<Request, Out>> {
 public:
  // Valid and unchanged for the life of the stream, or until it is taken.
  const Request& request() const { return request_; }
  Request TakeRequest() { return std::move(request_); }
  // See MetadataOf and DeadlineOf.
  std::string metadata(const std::string& key) const {
    return MetadataOf(context_, key);
  }
  absl::Time deadline() const { return DeadlineOf(context_); }

  // Called once, before anything else, by whoever was handed the new stream.
  void Start(absl::AnyInvocable<void(bool ok)> on_written,
             absl::AnyInvocable<void()> on_end) {
    on_written_ = std::move(on_written);
    on_end_ = std::move(on_end);
  }

  // Precondition: the last message, if any, has been written, and Finish was
  // not called. Returns false when the stream has ended.
  bool Write(const Out& message) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    if (ended_) return false;
    writer_.Write(message, written_.Begin(this->shared_from_this()));
    return true;
  }

  // Precondition: as for Write.
  void Finish(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    if (ended_) return;
    writer_.Finish(ToGrpc(status), finished_.Begin(this->shared_from_this()));
  }

 private:
  template <typename Method, typename Call>
  friend class Acceptor;

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
    {
      MutexLock lock(mu_);
      ended_ = true;
    }
    on_end_();
    // They may hold what holds this.
    on_written_ = nullptr;
    on_end_ = nullptr;
    open_calls_->Remove();
  }

  grpc::ServerContext context_;
  Request request_;
  grpc::ServerAsyncWriter<Out> writer_{&context_};
  RpcEvent written_{[this](bool ok) {
    if (on_written_) on_written_(ok);
  }};
  RpcEvent finished_;
  // gRPC knows by it when the stream is over, finished or not.
  RpcEvent end_event_{[this](bool) { Ended(); }};
  OpenCalls* open_calls_ = nullptr;
  // For the loop.
  absl::AnyInvocable<void(bool)> on_written_;
  absl::AnyInvocable<void()> on_end_;

  Mutex mu_;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
};

template <typename Request, typename Out>
using WriterPtr = std::shared_ptr<ServerWriter<Request, Out>>;

}  // namespace so
