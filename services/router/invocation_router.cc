#include "services/router/invocation_router.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/json_text.h"
#include "base/status_macros.h"
#include "services/router/router_errors.h"

namespace so {
namespace {

// Larger events are not checked on the thread that all calls share: it takes
// about a millisecond for each megabyte.
constexpr size_t kCheckElsewhereBytes = 256 << 10;
// Unless so much waits for it already: then whoever brings more is slowed down.
constexpr size_t kMaxUncheckedBytes = 64 << 20;

// The same failure, saying that user code has not run.
absl::Status NotExecuted(const absl::Status& status) {
  Error error = ErrorFromStatus(status);
  error.set_executed("no");
  return ErrorStatus(status.code(), error);
}

bool IsIdempotencyKey(const std::string& key) {
  constexpr size_t kMaxKeyBytes = 255;
  return key.size() <= kMaxKeyBytes &&
         std::all_of(key.begin(), key.end(),
                     [](char c) { return c >= ' ' && c <= '~'; });
}

absl::Status CheckCall(const InvocationRouter::Call& call) {
  if (!call.request_id.empty() && !IsRequestId(call.request_id)) {
    return InvalidArgument("requestId", "must match ^[A-Za-z0-9._:-]{1,128}$");
  }
  if (!call.idempotency_key.empty() &&
      !IsIdempotencyKey(call.idempotency_key)) {
    return InvalidArgument("idempotencyKey",
                           "must be 1 to 255 printable ASCII characters");
  }
  if (call.event.size() > kMaxEventBytes) {
    return ErrorStatus(
        absl::StatusCode::kInvalidArgument,
        MakeError(
            "PAYLOAD_TOO_LARGE",
            absl::StrCat("the event has ", call.event.size(),
                         " bytes; at most ", kMaxEventBytes, " are allowed"),
            "no"));
  }
  return absl::OkStatus();
}

absl::Status CheckEvent(const std::string& event) {
  const absl::Status json = CheckJson(event);
  if (json.ok()) return json;
  return InvalidArgument("event",
                         absl::StrCat("is not valid JSON: ", json.message()));
}

}  // namespace

InvocationRouter::InvocationRouter(FunctionDirectory& directory,
                                   Admission& admission, Dispatcher& dispatcher,
                                   IdempotencyStore& idempotency,
                                   Statistics& statistics, LogStore& logs,
                                   const Clock& clock, Executor& worker)
    : directory_(directory),
      admission_(admission),
      dispatcher_(dispatcher),
      idempotency_(idempotency),
      statistics_(statistics),
      logs_(logs),
      clock_(clock),
      worker_(worker) {}

std::shared_ptr<InvocationRouter::Ticket> InvocationRouter::Invoke(
    Call call, InvocationDone done) {
  auto ticket = std::make_shared<Ticket>();
  const absl::Time received = clock_.Now();
  if (const absl::Status status = CheckCall(call); !status.ok()) {
    done(NotExecuted(status));
    return ticket;
  }
  if (call.event.empty()) call.event = "{}";
  if (call.request_id.empty()) call.request_id = MakeId("req", clock_);
  if (call.event.size() > kCheckElsewhereBytes &&
      unchecked_bytes_.load() + call.event.size() <= kMaxUncheckedBytes) {
    CheckElsewhere(std::move(call), received, ticket, std::move(done));
  } else {
    const absl::Status event = CheckEvent(call.event);
    Accept(std::move(call), received, event, ticket, std::move(done));
  }
  return ticket;
}

void InvocationRouter::CheckElsewhere(Call call, absl::Time received,
                                      const std::shared_ptr<Ticket>& ticket,
                                      InvocationDone done) {
  unchecked_bytes_ += call.event.size();
  worker_.Post([this, call = std::move(call), received, ticket,
                done = std::move(done)]() mutable {
    const absl::Status event = CheckEvent(call.event);
    unchecked_bytes_ -= call.event.size();
    bool cancelled;
    {
      MutexLock lock(ticket->mu_);
      cancelled = ticket->cancelled_;
    }
    if (cancelled) {
      done(NotExecuted(ClientGone()));
    } else {
      Accept(std::move(call), received, event, ticket, std::move(done));
    }
  });
}

void InvocationRouter::Accept(Call call, absl::Time received,
                              const absl::Status& event,
                              const std::shared_ptr<Ticket>& ticket,
                              InvocationDone done) {
  if (!event.ok()) {
    done(NotExecuted(event));
    return;
  }
  const std::string reference = call.function;
  directory_.Resolve(
      reference,
      [this, ticket, received, call = std::move(call),
       done = std::move(done)](absl::StatusOr<FunctionPtr> function) mutable {
        if (!function.ok()) {
          done(NotExecuted(function.status()));
          return;
        }
        const auto submit = call.idempotency_key.empty()
                                ? &InvocationRouter::Submit
                                : &InvocationRouter::SubmitOnce;
        (this->*submit)(std::move(call), received, *std::move(function), ticket,
                        std::move(done));
      });
}

void InvocationRouter::SubmitOnce(Call call, absl::Time received,
                                  FunctionPtr function,
                                  const std::shared_ptr<Ticket>& ticket,
                                  InvocationDone done) {
  if (const absl::Status admitted =
          admission_.AdmitRate(*function, call.client);
      !admitted.ok()) {
    statistics_.RecordCall(*function, clock_.Now() - received, admitted);
    done(admitted);
    return;
  }
  // Of the run, which may outlive the client that was first.
  auto run_ticket = std::make_shared<Ticket>();
  const IdempotencyStore::Place place = idempotency_.Begin(
      {function->id(), call.idempotency_key}, call.event, std::move(done),
      [this, run_ticket] { Cancel(*run_ticket); });
  if (place.first) {
    Submit(std::move(call), received, std::move(function), run_ticket,
           [this, run = place.run](absl::StatusOr<Receipt> outcome) {
             idempotency_.End(run, outcome);
           });
  }
  bool cancelled;
  {
    MutexLock lock(ticket->mu_);
    cancelled = ticket->cancelled_;
    if (!cancelled) ticket->place_ = place;
  }
  // While the function was being looked up.
  if (cancelled) idempotency_.Leave(place);
}

void InvocationRouter::Submit(Call call, absl::Time received,
                              FunctionPtr function,
                              const std::shared_ptr<Ticket>& ticket,
                              InvocationDone done) {
  const auto bytes = static_cast<int64_t>(call.event.size());
  if (const absl::Status admitted =
          call.idempotency_key.empty()
              ? admission_.Admit(*function, call.client, bytes)
              : admission_.AdmitLoad(*function, bytes);
      !admitted.ok()) {
    statistics_.RecordCall(*function, clock_.Now() - received, admitted);
    done(admitted);
    return;
  }
  auto invocation = std::make_shared<Invocation>();
  invocation->request_id = std::move(call.request_id);
  invocation->function = std::move(function);
  invocation->event = std::move(call.event);
  invocation->enqueued = received;
  invocation->client_deadline = call.client_deadline;
  invocation->on_part = std::move(call.on_part);
  // Weak: the invocation owns its own callback.
  invocation->done =
      [this, self = std::weak_ptr<Invocation>(invocation), bytes,
       function_id = invocation->function->id(),
       done = std::move(done)](absl::StatusOr<Receipt> outcome) mutable {
        admission_.Release(function_id, bytes);
        if (const InvocationPtr ended = self.lock(); ended != nullptr) {
          Record(*ended, outcome);
        }
        done(std::move(outcome));
      };
  {
    MutexLock lock(ticket->mu_);
    if (!ticket->cancelled_) ticket->invocation_ = invocation;
  }
  const FunctionPtr target = invocation->function;
  const int depth = dispatcher_.Submit(invocation);
  if (depth > 0) statistics_.RecordQueueDepth(*target, depth);
  bool cancelled;
  {
    MutexLock lock(ticket->mu_);
    cancelled = ticket->cancelled_;
  }
  // Cancelled while the function was being looked up.
  if (cancelled) dispatcher_.Cancel(invocation);
}

void InvocationRouter::Cancel(Ticket& ticket) {
  InvocationPtr invocation;
  IdempotencyStore::Place place;
  {
    MutexLock lock(ticket.mu_);
    ticket.cancelled_ = true;
    invocation = std::move(ticket.invocation_);
    place = std::exchange(ticket.place_, {});
  }
  if (invocation != nullptr) dispatcher_.Cancel(invocation);
  idempotency_.Leave(place);
}

void InvocationRouter::Record(const Invocation& invocation,
                              const absl::StatusOr<Receipt>& outcome) {
  // A client that gave up is no failure of the function's.
  if (absl::IsCancelled(outcome.status())) return;
  statistics_.RecordCall(*invocation.function,
                         clock_.Now() - invocation.enqueued, outcome);
  if (outcome.ok()) logs_.Add(*outcome, clock_.WallNow());
}

void InvocationRouter::OnFunctionDeleted(const std::string& function_id) {
  dispatcher_.ForgetFunction(function_id);
  admission_.ForgetFunction(function_id);
  idempotency_.ForgetFunction(function_id);
  statistics_.ForgetFunction(function_id);
  logs_.ForgetFunction(function_id);
}

}  // namespace so
