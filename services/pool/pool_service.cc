#include "services/pool/pool_service.h"

#include <utility>

#include "rpc/pending_call.h"

namespace so {
namespace {

namespace pb = serverless::pool::v1;

}  // namespace

grpc::ServerUnaryReactor* PoolService::Warm(grpc::CallbackServerContext*,
                                            const pb::WarmRequest* request,
                                            pb::WarmResponse* response) {
  // Set and read on the loop thread, where a cancel comes after the start.
  auto id = std::make_shared<InstancePool::WarmId>(0);
  auto call = PendingCall::Start(
      [this, id] { loop_.Post([this, id] { pool_.CancelWarm(*id); }); });
  loop_.Post([this, call, id, request = *request, response] {
    *id = pool_.Warm(request,
                     [call, response](absl::StatusOr<pb::WarmResponse> answer) {
                       if (answer.ok()) *response = *std::move(answer);
                       call->Finish(answer.status());
                     });
  });
  return call->reactor();
}

grpc::ServerUnaryReactor* PoolService::ListInstances(
    grpc::CallbackServerContext*, const pb::ListInstancesRequest* request,
    pb::ListInstancesResponse* response) {
  auto call = PendingCall::Start();
  loop_.Post([this, call, function = request->function(), response] {
    pool_.ListInstances(
        function,
        [call, response](absl::StatusOr<pb::ListInstancesResponse> answer) {
          if (answer.ok()) *response = *std::move(answer);
          call->Finish(answer.status());
        });
  });
  return call->reactor();
}

grpc::ServerUnaryReactor* PoolService::GetMetrics(
    grpc::CallbackServerContext*, const pb::GetMetricsRequest*,
    pb::GetMetricsResponse* response) {
  auto call = PendingCall::Start();
  loop_.Post([this, call, response] {
    *response = pool_.GetMetrics();
    parked_.AddTo(*response->mutable_isolation());
    steps_.AddTo(*response);
    call->Finish(absl::OkStatus());
  });
  return call->reactor();
}

grpc::ServerUnaryReactor* PoolService::GetIsolation(
    grpc::CallbackServerContext*, const pb::GetIsolationRequest*,
    pb::GetIsolationResponse* response) {
  auto call = PendingCall::Start();
  loop_.Post([this, call, response] {
    parked_.AddTo(*response->mutable_isolation());
    call->Finish(absl::OkStatus());
  });
  return call->reactor();
}

// One router's stream. Everything but Begin is for the loop thread.
class PoolNodeService::Session final
    : public RouterLink,
      public std::enable_shared_from_this<PoolNodeService::Session> {
 public:
  using Stream = ServerStream<pb::AttachRequest, pb::AttachResponse>;

  explicit Session(PoolNodeService& service) : service_(service) {}

  // Starts the stream; on a gRPC thread.
  grpc::ServerBidiReactor<pb::AttachRequest, pb::AttachResponse>* Begin() {
    auto self = shared_from_this();
    stream_ = Stream::Start(
        [self](pb::AttachRequest message) {
          self->service_.loop_.Post(
              [self, message = std::move(message)] { self->Handle(message); });
        },
        [self] { self->service_.loop_.Post([self] { self->Detach(); }); });
    // gRPC delivers nothing before it has the reactor, so this comes first.
    service_.loop_.Post([self] { self->Attach(); });
    return stream_->reactor();
  }

  void Send(pb::AttachResponse message) override {
    stream_->Send(std::move(message));
  }
  void End(const absl::Status& status) { stream_->Finish(status); }

 private:
  void Attach() {
    if (!service_.status_.ok()) return End(service_.status_);
    service_.sessions_[this] = shared_from_this();
    router_ = service_.pool_.Attach(*this);
  }

  void Handle(const pb::AttachRequest& message) {
    if (router_ == 0) return;
    if (message.has_start()) {
      service_.pool_.StartInstance(router_, message.start());
    } else if (message.has_dispatch()) {
      service_.pool_.Dispatch(router_, message.dispatch());
    }
  }

  void Detach() {
    service_.pool_.Detach(router_);
    router_ = 0;
    service_.sessions_.erase(this);
  }

  PoolNodeService& service_;
  std::shared_ptr<Stream> stream_;
  RouterId router_ = 0;
};

grpc::ServerBidiReactor<pb::AttachRequest, pb::AttachResponse>*
PoolNodeService::Attach(grpc::CallbackServerContext*) {
  return std::make_shared<Session>(*this)->Begin();
}

grpc::ServerUnaryReactor* PoolNodeService::SetTarget(
    grpc::CallbackServerContext*, const pb::SetTargetRequest* request,
    pb::SetTargetResponse* response) {
  auto call = PendingCall::Start();
  loop_.Post([this, call, request = *request, response] {
    absl::StatusOr<pb::SetTargetResponse> answer =
        absl::UnavailableError(status_.message());
    if (status_.ok()) answer = pool_.SetTarget(request);
    if (answer.ok()) *response = *std::move(answer);
    call->Finish(answer.status());
  });
  return call->reactor();
}

void PoolNodeService::SetProblem(const std::string& problem) {
  if (ended_) return;
  status_ =
      problem.empty() ? absl::OkStatus() : absl::UnavailableError(problem);
  if (status_.ok()) return;
  for (const auto& [key, session] : sessions_) session->End(status_);
}

void PoolNodeService::EndStreams() {
  SetProblem("the pool is shutting down");
  ended_ = true;
}

}  // namespace so
