#include "services/registry/registry_feed_service.h"

#include <memory>
#include <utility>

#include "base/mutex.h"
#include "rpc/pending_call.h"
#include "services/registry/client/archive_format.h"

namespace so {
namespace {

using serverless::registry::v1::GetCodeRequest;
using serverless::registry::v1::GetCodeResponse;
using serverless::registry::v1::ResolveFunctionRequest;
using serverless::registry::v1::ResolveFunctionResponse;
using serverless::registry::v1::WatchRequest;
using serverless::registry::v1::WatchResponse;

// Sends what a watcher of the feed has to tell, one message at a time, so that
// a slow client holds back nothing but itself. Thread-safe.
class WatchStream : public std::enable_shared_from_this<WatchStream> {
 public:
  static grpc::ServerWriteReactor<WatchResponse>* Start(ChangeFeed& feed,
                                                        int64_t from_revision) {
    std::shared_ptr<WatchStream> stream(new WatchStream);
    auto* reactor = new Reactor(stream);
    {
      MutexLock lock(stream->mu_);
      stream->reactor_ = reactor;
      stream->watcher_ =
          feed.Subscribe(from_revision, [weak = std::weak_ptr(stream)] {
            if (auto alive = weak.lock()) alive->Pump();
          });
    }
    stream->Pump();
    return reactor;
  }

 private:
  class Reactor final : public grpc::ServerWriteReactor<WatchResponse> {
   public:
    explicit Reactor(std::shared_ptr<WatchStream> stream)
        : stream_(std::move(stream)) {}
    void OnWriteDone(bool ok) override { stream_->Written(ok); }
    void OnCancel() override { stream_->Finish(absl::CancelledError()); }
    void OnDone() override { delete this; }

   private:
    const std::shared_ptr<WatchStream> stream_;
  };

  WatchStream() = default;

  // Sends the next message unless one is on its way.
  void Pump() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    SendNext();
  }

  void Written(bool ok) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    writing_ = false;
    if (!ok) end_ = absl::CancelledError();
    SendNext();
  }

  void Finish(absl::Status status) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    end_ = std::move(status);
    SendNext();
  }

  void SendNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (writing_ || finished_) return;
    if (end_.ok()) {
      auto next = watcher_->Next();
      if (next.ok() && !next->has_value()) return;
      if (next.ok()) {
        message_ = **std::move(next);
        writing_ = true;
        reactor_->StartWrite(&message_);
        return;
      }
      end_ = next.status();
    }
    finished_ = true;
    watcher_ = nullptr;
    // The reactor may be gone once this returns.
    reactor_->Finish(ToGrpc(end_));
  }

  Mutex mu_;
  Reactor* reactor_ ABSL_GUARDED_BY(mu_) = nullptr;  // Owned by gRPC.
  std::shared_ptr<ChangeFeed::Watcher> watcher_ ABSL_GUARDED_BY(mu_);
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  // Why the stream ends, as soon as nothing is being written.
  absl::Status end_ ABSL_GUARDED_BY(mu_);
  // Being written: gRPC reads it until OnWriteDone.
  WatchResponse message_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

grpc::ServerWriteReactor<WatchResponse>* RegistryFeedService::Watch(
    grpc::CallbackServerContext*, const WatchRequest* request) {
  return WatchStream::Start(registry_.feed(), request->from_revision());
}

grpc::ServerUnaryReactor* RegistryFeedService::ResolveFunction(
    grpc::CallbackServerContext*, const ResolveFunctionRequest* request,
    ResolveFunctionResponse* response) {
  auto call = PendingCall::Start();
  registry_.catalog().Resolve(
      request->function(), [call, response](absl::StatusOr<Function> function) {
        if (function.ok()) {
          *response->mutable_function() = *std::move(function);
        }
        call->Finish(function.status());
      });
  return call->reactor();
}

grpc::ServerUnaryReactor* RegistryFeedService::GetCode(
    grpc::CallbackServerContext*, const GetCodeRequest* request,
    GetCodeResponse* response) {
  auto call = PendingCall::Start();
  registry_.catalog().ReadCode(
      request->sha256(), [call, response](absl::StatusOr<std::string> code) {
        if (code.ok()) {
          response->set_is_archive(IsArchive(*code));
          response->set_content(*std::move(code));
        }
        call->Finish(code.status());
      });
  return call->reactor();
}

}  // namespace so
