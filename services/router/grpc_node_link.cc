#include "services/router/grpc_node_link.h"

#include <utility>

namespace so {

using serverless::pool::v1::AttachRequest;
using serverless::pool::v1::AttachResponse;
using serverless::pool::v1::PoolNodeService;

GrpcNodeLink::GrpcNodeLink(RpcLoop& loop,
                           std::shared_ptr<grpc::Channel> channel,
                           std::string router_id, Timers& timers)
    : loop_(loop),
      stub_(PoolNodeService::NewStub(channel)),
      router_id_(std::move(router_id)),
      timers_(timers),
      backoff_(absl::Milliseconds(50), absl::Seconds(1)) {}

void GrpcNodeLink::Connect(Listener& listener) {
  listener_ = &listener;
  Open();
}

void GrpcNodeLink::Open() {
  MutexLock lock(mu_);
  if (stopping_) return;
  greeted_ = false;
  stream_ = Stream::Start(
      [this](grpc::ClientContext* context) {
        return stub_->PrepareAsyncAttach(context, loop_.queue());
      },
      [this](AttachResponse response) { OnMessage(std::move(response)); },
      [this](const absl::Status&) { OnEnd(); });
  AttachRequest hello;
  hello.mutable_hello()->set_router_id(router_id_);
  stream_->Send(std::move(hello));
}

void GrpcNodeLink::Stop() {
  MutexLock lock(mu_);
  stopping_ = true;
  if (stream_ != nullptr) stream_->Cancel();
  while (stream_ != nullptr) ended_.Wait(mu_);
}

void GrpcNodeLink::Start(serverless::pool::v1::StartInstance start) {
  AttachRequest request;
  *request.mutable_start() = std::move(start);
  Send(std::move(request));
}

void GrpcNodeLink::Dispatch(serverless::pool::v1::Dispatch dispatch) {
  AttachRequest request;
  *request.mutable_dispatch() = std::move(dispatch);
  Send(std::move(request));
}

void GrpcNodeLink::SendEvent(serverless::pool::v1::EventPart part) {
  AttachRequest request;
  *request.mutable_event_part() = std::move(part);
  Send(std::move(request));
}

void GrpcNodeLink::Cancel(serverless::pool::v1::Cancel cancel) {
  AttachRequest request;
  *request.mutable_cancel() = std::move(cancel);
  Send(std::move(request));
}

void GrpcNodeLink::Grant(serverless::pool::v1::Credit credit) {
  AttachRequest request;
  *request.mutable_credit() = std::move(credit);
  Send(std::move(request));
}

void GrpcNodeLink::Send(AttachRequest request) {
  std::shared_ptr<Stream> stream;
  {
    MutexLock lock(mu_);
    stream = stream_;
  }
  if (stream != nullptr) stream->Send(std::move(request));
}

void GrpcNodeLink::OnMessage(AttachResponse response) {
  switch (response.message_case()) {
    case AttachResponse::kHello: {
      {
        MutexLock lock(mu_);
        greeted_ = true;
        backoff_.Reset();
      }
      listener_->OnConnected(response.hello());
      break;
    }
    case AttachResponse::kInstance:
      listener_->OnInstance(response.instance());
      break;
    case AttachResponse::kStartFailed:
      listener_->OnStartFailed(response.start_failed());
      break;
    case AttachResponse::kEventCredit:
      listener_->OnEventCredit(response.event_credit());
      break;
    case AttachResponse::kRejected:
      listener_->OnRejected(response.rejected());
      break;
    case AttachResponse::kStarted:
      listener_->OnStarted(response.started());
      break;
    case AttachResponse::kPart:
      listener_->OnPart(std::move(*response.mutable_part()));
      break;
    case AttachResponse::kResult:
      listener_->OnResult(std::move(*response.mutable_result()));
      break;
    case AttachResponse::MESSAGE_NOT_SET:
      break;  // From a newer pool.
  }
}

void GrpcNodeLink::OnEnd() {
  bool was_connected = false;
  {
    MutexLock lock(mu_);
    was_connected = std::exchange(greeted_, false);
  }
  if (was_connected) listener_->OnDisconnected();
  MutexLock lock(mu_);
  stream_ = nullptr;
  ended_.SignalAll();
  if (!stopping_) timers_.Schedule(backoff_.Next(), [this] { Open(); });
}

}  // namespace so
