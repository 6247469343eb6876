#include "services/registry/registry_feed_service.h"

#include <memory>
#include <utility>

#include "base/mutex.h"
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
  explicit WatchStream(WriterPtr<WatchRequest, WatchResponse> writer)
      : writer_(std::move(writer)) {}

  void Start(ChangeFeed& feed) ABSL_LOCKS_EXCLUDED(mu_) {
    writer_->Start([self = shared_from_this()](bool) { self->Written(); },
                   [self = shared_from_this()] { self->Ended(); });
    MutexLock lock(mu_);
    watcher_ = feed.Subscribe(writer_->request().from_revision(),
                              [weak = weak_from_this()] {
                                if (auto alive = weak.lock()) alive->Pump();
                              });
    SendNext();
  }

 private:
  // Sends the next message unless one is on its way.
  void Pump() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    SendNext();
  }

  void Written() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    writing_ = false;
    SendNext();
  }

  void Ended() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    watcher_ = nullptr;
  }

  void SendNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (writing_ || watcher_ == nullptr) return;
    auto next = watcher_->Next();
    if (!next.ok()) {
      watcher_ = nullptr;
      writer_->Finish(next.status());
    } else if (next->has_value()) {
      writing_ = writer_->Write(**next);
    }
  }

  const WriterPtr<WatchRequest, WatchResponse> writer_;
  Mutex mu_;
  // Null before the start and after the end.
  std::shared_ptr<ChangeFeed::Watcher> watcher_ ABSL_GUARDED_BY(mu_);
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace

RegistryFeedService::RegistryFeedService(FunctionRegistry& registry)
    : registry_(registry) {
  Writer(&Generated::RequestWatch, &RegistryFeedService::Watch);
  Unary(&Generated::RequestResolveFunction,
        &RegistryFeedService::ResolveFunction);
  Unary(&Generated::RequestGetCode, &RegistryFeedService::GetCode);
}

void RegistryFeedService::Watch(WriterPtr<WatchRequest, WatchResponse> writer) {
  std::make_shared<WatchStream>(std::move(writer))->Start(registry_.feed());
}

void RegistryFeedService::ResolveFunction(
    CallPtr<ResolveFunctionRequest, ResolveFunctionResponse> call) {
  registry_.catalog().Resolve(
      call->request().function(), [call](absl::StatusOr<Function> function) {
        if (function.ok()) {
          *call->response().mutable_function() = *std::move(function);
        }
        call->Finish(function.status());
      });
}

void RegistryFeedService::GetCode(
    CallPtr<GetCodeRequest, GetCodeResponse> call) {
  registry_.catalog().ReadCode(
      call->request().sha256(), [call](absl::StatusOr<std::string> code) {
        if (code.ok()) {
          call->response().set_is_archive(IsArchive(*code));
          call->response().set_content(*std::move(code));
        }
        call->Finish(code.status());
      });
}

}  // namespace so
