#include "services/registry/client/grpc_function_watch.h"

#include <utility>

namespace so {

using serverless::registry::v1::WatchRequest;

GrpcFunctionWatch::GrpcFunctionWatch(RpcLoop& loop, Stub& stub, Timers& timers,
                                     FunctionCache& cache)
    : loop_(loop),
      stub_(stub),
      timers_(timers),
      cache_(cache),
      backoff_(absl::Milliseconds(50), absl::Seconds(2)) {}

void GrpcFunctionWatch::Start() { Connect(); }

void GrpcFunctionWatch::Stop() {
  MutexLock lock(mu_);
  stopping_ = true;
  timers_.Cancel(retry_);
  if (reader_ != nullptr) reader_->Cancel();
  while (streaming_) stream_ended_.Wait(mu_);
}

void GrpcFunctionWatch::Connect() {
  int64_t attempt;
  {
    MutexLock lock(mu_);
    if (stopping_) return;
    streaming_ = true;
    attempt = ++attempt_;
  }
  std::shared_ptr<Reader> reader = OpenStream();
  MutexLock lock(mu_);
  // The stream may have ended already, and the next one begun.
  if (attempt != attempt_) return;
  if (stopping_) reader->Cancel();
  reader_ = std::move(reader);
}

std::shared_ptr<GrpcFunctionWatch::Reader> GrpcFunctionWatch::OpenStream() {
  WatchRequest request;
  request.set_from_revision(cache_.resume_revision());
  auto self = shared_from_this();
  return Reader::Start(
      [&](grpc::ClientContext* context) {
        return stub_.PrepareAsyncWatch(context, request, loop_.queue());
      },
      [self](WatchResponse message) { self->OnMessage(message); },
      [self](const absl::Status& status) { self->OnEnd(status); });
}

void GrpcFunctionWatch::OnMessage(const WatchResponse& message) {
  bool returned;
  {
    MutexLock lock(mu_);
    if (stopping_) return;
    backoff_.Reset();
    returned = std::exchange(lost_, false);
  }
  if (returned) log_.Info("registry is back");
  cache_.Apply(message);
}

void GrpcFunctionWatch::OnEnd(const absl::Status& status) {
  bool first_loss = false;
  {
    MutexLock lock(mu_);
    streaming_ = false;
    stream_ended_.SignalAll();
    if (stopping_) return;
    first_loss = !std::exchange(lost_, true);
    retry_ = timers_.Schedule(backoff_.Next(),
                              [self = shared_from_this()] { self->Connect(); });
  }
  if (first_loss) {
    log_.Warn("registry feed lost, going on from memory",
              {{"reason", absl::StatusCodeToString(status.code())}});
  }
}

}  // namespace so
