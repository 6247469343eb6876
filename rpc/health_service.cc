#include "rpc/health_service.h"

namespace so {

// Tells the latest status; what a slow client has missed is not told later.
class HealthService::Watcher : public std::enable_shared_from_this<Watcher> {
 public:
  explicit Watcher(WriterPtr<Request, Response> writer)
      : writer_(std::move(writer)) {}

  void Start(absl::AnyInvocable<void()> on_end) {
    writer_->Start([self = shared_from_this()](bool) { self->Written(); },
                   std::move(on_end));
  }

  const std::string& service() const { return writer_->request().service(); }

  void Tell(Response::ServingStatus status) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    latest_ = status;
    WriteIfNew();
  }

  void End() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    ending_ = true;
    WriteIfNew();
  }

 private:
  void Written() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    writing_ = false;
    WriteIfNew();
  }

  void WriteIfNew() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (writing_ || finished_) return;
    if (latest_ != told_) {
      told_ = latest_;
      Response response;
      response.set_status(told_);
      writing_ = writer_->Write(response);
    } else if (ending_) {
      finished_ = true;
      writer_->Finish(absl::UnavailableError("the server is shutting down"));
    }
  }

  const WriterPtr<Request, Response> writer_;
  Mutex mu_;
  Response::ServingStatus latest_ ABSL_GUARDED_BY(mu_) = Response::UNKNOWN;
  Response::ServingStatus told_ ABSL_GUARDED_BY(mu_) = Response::UNKNOWN;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
};

HealthService::HealthService(absl::flat_hash_set<std::string> services)
    : services_(std::move(services)) {
  Unary(&Generated::RequestCheck, &HealthService::Check);
  Writer(&Generated::RequestWatch, &HealthService::Watch);
}

HealthService::Response::ServingStatus HealthService::StatusOf(
    const std::string& service) {
  if (!service.empty() && !services_.contains(service)) {
    return Response::SERVICE_UNKNOWN;
  }
  return serving_ ? Response::SERVING : Response::NOT_SERVING;
}

void HealthService::Check(CallPtr<Request, Response> call) {
  Response::ServingStatus status;
  {
    MutexLock lock(mu_);
    status = StatusOf(call->request().service());
  }
  if (status == Response::SERVICE_UNKNOWN) {
    call->Finish(absl::NotFoundError("unknown service"));
    return;
  }
  call->response().set_status(status);
  call->Finish(absl::OkStatus());
}

void HealthService::Watch(WriterPtr<Request, Response> writer) {
  auto watcher = std::make_shared<Watcher>(std::move(writer));
  watcher->Start([this, watcher] {
    MutexLock lock(mu_);
    watchers_.remove(watcher);
  });
  MutexLock lock(mu_);
  watchers_.push_back(watcher);
  watcher->Tell(StatusOf(watcher->service()));
  if (ending_) watcher->End();
}

void HealthService::SetServing(bool serving) {
  MutexLock lock(mu_);
  serving_ = serving;
  for (const auto& watcher : watchers_) {
    watcher->Tell(StatusOf(watcher->service()));
  }
}

void HealthService::EndWatches() {
  MutexLock lock(mu_);
  ending_ = true;
  for (const auto& watcher : watchers_) watcher->End();
}

}  // namespace so
