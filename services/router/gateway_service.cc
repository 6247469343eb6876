#include "services/router/gateway_service.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/time/clock.h"
#include "base/error.h"

namespace so {

using serverless::router::v1::AttachRequest;
using serverless::router::v1::CollectRequest;
using serverless::router::v1::CollectResponse;

namespace {

// What may travel on the stream, in bytes.
constexpr size_t kSmall = 64 << 10;
// Of who calls, in bytes.
constexpr size_t kMaxClient = 256;
// Large receipts that wait to be collected, in bytes. Collecting takes a
// gateway a round trip.
constexpr size_t kKeptBytes = 256 << 20;

// Near enough, without walking the message.
size_t SizeOf(const Receipt& receipt) {
  size_t size = receipt.body().size();
  for (const std::string& line : receipt.logs()) size += line.size();
  for (const auto& [name, value] : receipt.headers()) {
    size += name.size() + value.size();
  }
  return size;
}

}  // namespace

// One gateway's stream.
class GatewayService::Session final
    : public std::enable_shared_from_this<Session> {
 public:
  using Stream = StreamPtr<AttachRequest, Response>;

  Session(GatewayService& service, Stream stream)
      : service_(service), stream_(std::move(stream)) {}

  void Begin() {
    auto self = shared_from_this();
    stream_->Start(
        [self](AttachRequest message) { self->Handle(std::move(message)); },
        [self] {
          self->CancelAll();
          self->service_.Forget(self);
        });
    Response hello;
    hello.mutable_hello();
    stream_->Send(std::move(hello));
  }

  // Ends the stream once no call is open on it.
  void End() ABSL_LOCKS_EXCLUDED(mu_) {
    {
      MutexLock lock(mu_);
      ending_ = true;
    }
    FinishIfEnding();
  }

 private:
  using Ticket = std::shared_ptr<InvocationRouter::Ticket>;

  void Handle(AttachRequest message) {
    if (message.has_call()) {
      Invoke(message.call_id(), std::move(*message.mutable_call()));
    } else if (message.has_cancel()) {
      Cancel(message.call_id());
    }
  }

  void Invoke(uint64_t id, serverless::router::v1::Call call)
      ABSL_LOCKS_EXCLUDED(mu_) {
    {
      MutexLock lock(mu_);
      open_[id] = nullptr;
    }
    auto& request = *call.mutable_request();
    Ticket ticket = service_.router_.Invoke(
        {.function = std::move(*request.mutable_function()),
         .event = std::move(*request.mutable_event()),
         .request_id = std::move(*request.mutable_request_id()),
         .client = call.client().substr(0, kMaxClient),
         .idempotency_key = std::move(*request.mutable_idempotency_key()),
         .client_deadline =
             call.timeout() > 0
                 ? absl::Now() + absl::Milliseconds(call.timeout())
                 : absl::InfiniteFuture()},
        [self = shared_from_this(), id](absl::StatusOr<Receipt> outcome) {
          self->Answer(id, std::move(outcome));
        });
    MutexLock lock(mu_);
    // It may have been answered already.
    if (const auto it = open_.find(id); it != open_.end()) {
      it->second = std::move(ticket);
    }
  }

  void Answer(uint64_t id, absl::StatusOr<Receipt> outcome)
      ABSL_LOCKS_EXCLUDED(mu_) {
    {
      MutexLock lock(mu_);
      if (open_.erase(id) == 0) return;
      ++answering_;
    }
    Response response;
    response.set_call_id(id);
    if (!outcome.ok()) {
      *response.mutable_status() = ToEnvelope(outcome.status());
    } else if (SizeOf(*outcome) > kSmall) {
      response.set_large(service_.Keep(*std::move(outcome)));
    } else {
      *response.mutable_receipt() = *std::move(outcome);
    }
    stream_->Send(std::move(response));
    {
      MutexLock lock(mu_);
      --answering_;
    }
    FinishIfEnding();
  }

  void FinishIfEnding() ABSL_LOCKS_EXCLUDED(mu_) {
    {
      MutexLock lock(mu_);
      if (!ending_ || answering_ > 0 || !open_.empty()) return;
    }
    stream_->Finish(absl::UnavailableError("the router is shutting down"));
  }

  void Cancel(uint64_t id) ABSL_LOCKS_EXCLUDED(mu_) {
    Ticket ticket;
    {
      MutexLock lock(mu_);
      const auto it = open_.find(id);
      if (it == open_.end()) return;
      ticket = std::move(it->second);
      open_.erase(it);
    }
    if (ticket != nullptr) service_.router_.Cancel(*ticket);
    FinishIfEnding();
  }

  void CancelAll() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::flat_hash_map<uint64_t, Ticket> open;
    {
      MutexLock lock(mu_);
      open = std::exchange(open_, {});
    }
    for (const auto& [id, ticket] : open) {
      if (ticket != nullptr) service_.router_.Cancel(*ticket);
    }
  }

  GatewayService& service_;
  const Stream stream_;
  Mutex mu_;
  absl::flat_hash_map<uint64_t, Ticket> open_ ABSL_GUARDED_BY(mu_);
  // Calls that are not open any more and whose answer is not sent yet.
  int answering_ ABSL_GUARDED_BY(mu_) = 0;
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
};

GatewayService::GatewayService(InvocationRouter& router) : router_(router) {
  Stream(&Generated::RequestAttach, &GatewayService::Attach);
  Unary(&Generated::RequestCollect, &GatewayService::Collect);
}

void GatewayService::Attach(StreamPtr<AttachRequest, Response> stream) {
  auto session = std::make_shared<Session>(*this, std::move(stream));
  session->Begin();
  MutexLock lock(mu_);
  sessions_.insert(session);
  if (ending_) session->End();
}

void GatewayService::Forget(const std::shared_ptr<Session>& session) {
  MutexLock lock(mu_);
  sessions_.erase(session);
}

void GatewayService::EndStreams() {
  MutexLock lock(mu_);
  ending_ = true;
  for (const auto& session : sessions_) session->End();
}

void GatewayService::Collect(CallPtr<CollectRequest, CollectResponse> call) {
  MutexLock lock(mu_);
  const auto it = kept_.find(call->request().key());
  if (it == kept_.end()) {
    call->Finish(absl::NotFoundError("no receipt is kept by this key"));
    return;
  }
  kept_bytes_ -= SizeOf(it->second);
  *call->response().mutable_receipt() = std::move(it->second);
  kept_.erase(it);
  call->Finish(absl::OkStatus());
}

uint64_t GatewayService::Keep(Receipt receipt) {
  MutexLock lock(mu_);
  kept_bytes_ += SizeOf(receipt);
  kept_.emplace(++last_key_, std::move(receipt));
  while (kept_bytes_ > kKeptBytes && kept_.size() > 1) {
    kept_bytes_ -= SizeOf(kept_.begin()->second);
    kept_.erase(kept_.begin());
  }
  return last_key_;
}

}  // namespace so
