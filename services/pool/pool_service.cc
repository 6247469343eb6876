#include "services/pool/pool_service.h"

#include <utility>

namespace so {
namespace {

namespace pb = serverless::pool::v1;

template <typename Request, typename Response>
absl::AnyInvocable<void(absl::StatusOr<Response>)> AnswerWith(
    CallPtr<Request, Response> call) {
  return [call = std::move(call)](absl::StatusOr<Response> answer) {
    if (answer.ok()) call->response() = *std::move(answer);
    call->Finish(answer.status());
  };
}

}  // namespace

PoolService::PoolService(Executor& loop, InstancePool& pool,
                         const ParkedPool& parked, const StartSteps& steps)
    : loop_(loop), pool_(pool), parked_(parked), steps_(steps) {
  Unary(&Generated::RequestWarm, &PoolService::Warm);
  Unary(&Generated::RequestListInstances, &PoolService::ListInstances);
  Unary(&Generated::RequestGetMetrics, &PoolService::GetMetrics);
  Unary(&Generated::RequestGetIsolation, &PoolService::GetIsolation);
}

void PoolService::Warm(CallPtr<pb::WarmRequest, pb::WarmResponse> call) {
  // Set and read on the loop thread, where a cancel comes after the start.
  auto id = std::make_shared<InstancePool::WarmId>(0);
  loop_.Post([this, call, id] {
    *id = pool_.Warm(call->request(), AnswerWith(call));
  });
  call->OnCancel(
      [this, id] { loop_.Post([this, id] { pool_.CancelWarm(*id); }); });
}

void PoolService::ListInstances(
    CallPtr<pb::ListInstancesRequest, pb::ListInstancesResponse> call) {
  loop_.Post([this, call] {
    pool_.ListInstances(call->request().function(), AnswerWith(call));
  });
}

void PoolService::GetMetrics(
    CallPtr<pb::GetMetricsRequest, pb::GetMetricsResponse> call) {
  loop_.Post([this, call] {
    call->response() = pool_.GetMetrics();
    parked_.AddTo(*call->response().mutable_isolation());
    steps_.AddTo(call->response());
    call->Finish(absl::OkStatus());
  });
}

void PoolService::GetIsolation(
    CallPtr<pb::GetIsolationRequest, pb::GetIsolationResponse> call) {
  loop_.Post([this, call] {
    parked_.AddTo(*call->response().mutable_isolation());
    call->Finish(absl::OkStatus());
  });
}

// One router's stream. Everything but Begin is for the loop thread.
class PoolNodeService::Session final
    : public RouterLink,
      public std::enable_shared_from_this<PoolNodeService::Session> {
 public:
  using Stream = StreamPtr<pb::AttachRequest, pb::AttachResponse>;

  Session(PoolNodeService& service, Stream stream)
      : service_(service), stream_(std::move(stream)) {}

  // On a gRPC thread.
  void Begin() {
    auto self = shared_from_this();
    service_.loop_.Post([self] { self->Attach(); });
    stream_->Start(
        [self](pb::AttachRequest message) {
          self->service_.loop_.Post(
              [self, message = std::move(message)]() mutable {
                self->Handle(std::move(message));
              });
        },
        [self] { self->service_.loop_.Post([self] { self->Detach(); }); });
  }

  // A Started waits until the loop has handled what arrived with it: mostly
  // that is the result, which says the same, and a message less is to be sent,
  // and to be woken up for.
  void Send(pb::AttachResponse message) override {
    if (message.has_result() && held_.has_started() &&
        message.result().dispatch_id() == held_.started().dispatch_id()) {
      held_.Clear();
    }
    SendHeld();
    if (message.has_started()) {
      held_ = std::move(message);
      service_.loop_.Post([self = shared_from_this()] { self->SendHeld(); });
    } else {
      stream_->Send(std::move(message));
    }
  }
  void End(const absl::Status& status) {
    service_.pool_.FlushResults(router_);
    stream_->Finish(status);
  }

 private:
  void SendHeld() {
    if (held_.has_started()) stream_->Send(std::exchange(held_, {}));
  }

  void Attach() {
    if (!service_.status_.ok()) return End(service_.status_);
    service_.sessions_[this] = shared_from_this();
    router_ = service_.pool_.Attach(*this);
  }

  void Handle(pb::AttachRequest message) {
    if (router_ == 0) return;
    if (message.has_start()) {
      service_.pool_.StartInstance(router_, message.start());
    } else if (message.has_dispatch()) {
      service_.pool_.Dispatch(router_, std::move(*message.mutable_dispatch()));
    } else if (message.has_event_part()) {
      service_.pool_.AddEventPart(router_, message.event_part());
    } else if (message.has_cancel()) {
      service_.pool_.Cancel(router_, message.cancel());
    } else if (message.has_credit()) {
      service_.pool_.Grant(router_, message.credit());
    }
  }

  void Detach() {
    service_.pool_.Detach(router_);
    router_ = 0;
    service_.sessions_.erase(this);
  }

  PoolNodeService& service_;
  const Stream stream_;
  pb::AttachResponse held_;
  RouterId router_ = 0;
};

PoolNodeService::PoolNodeService(Executor& loop, InstancePool& pool)
    : loop_(loop), pool_(pool) {
  Stream(&Generated::RequestAttach, &PoolNodeService::Attach);
  Unary(&Generated::RequestSetTarget, &PoolNodeService::SetTarget);
  Unary(&Generated::RequestListEvents, &PoolNodeService::ListEvents);
}

void PoolNodeService::Attach(
    StreamPtr<pb::AttachRequest, pb::AttachResponse> stream) {
  std::make_shared<Session>(*this, std::move(stream))->Begin();
}

void PoolNodeService::SetTarget(
    CallPtr<pb::SetTargetRequest, pb::SetTargetResponse> call) {
  loop_.Post([this, call] {
    absl::StatusOr<pb::SetTargetResponse> answer =
        absl::UnavailableError(status_.message());
    if (status_.ok()) answer = pool_.SetTarget(call->request());
    AnswerWith(call)(std::move(answer));
  });
}

void PoolNodeService::ListEvents(
    CallPtr<pb::ListEventsRequest, pb::ListEventsResponse> call) {
  loop_.Post(
      [this, call] { AnswerWith(call)(pool_.ListEvents(call->request())); });
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
