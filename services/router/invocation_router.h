#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/mutex.h"
#include "services/registry/client/function_directory.h"
#include "services/router/admission.h"
#include "services/router/dispatcher.h"
#include "services/router/idempotency_store.h"
#include "services/router/invocation.h"
#include "services/router/log_store.h"
#include "services/router/statistics.h"

namespace so {

// Takes calls in: checks them, finds their function, lets them pass or not,
// hands them to the dispatcher, and keeps the books when they end. Thread-safe.
class InvocationRouter final : public FunctionDirectory::Listener {
 public:
  struct Call {
    std::string function;    // Id or name, optionally ":version".
    std::string event;       // JSON text; empty means {}.
    std::string request_id;  // Empty: one is made.
    std::string client;      // Who calls, for its rate limit; may be empty.
    // Names the call, so that it runs once however often it is sent; 1 to 255
    // printable ASCII characters, or empty. See IdempotencyStore. It counts
    // against the rates each time, and against the other limits only when it
    // runs. Of several, the first one's deadline holds for the run.
    std::string idempotency_key;
    absl::Time client_deadline = absl::InfiniteFuture();
    // Set when the answer is wanted while it is written.
    PartArrived on_part;
  };

  // What a client holds of its call, to give it up.
  class Ticket {
   private:
    friend class InvocationRouter;
    Mutex mu_;
    bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
    InvocationPtr invocation_ ABSL_GUARDED_BY(mu_);
    // Instead, of a call with an idempotency key.
    IdempotencyStore::Place place_ ABSL_GUARDED_BY(mu_);
  };

  // Everything is borrowed. Large events are checked by `worker`, and their
  // calls go on there. `directory` and `worker` must not call back any more
  // when this is destroyed.
  InvocationRouter(FunctionDirectory& directory, Admission& admission,
                   Dispatcher& dispatcher, IdempotencyStore& idempotency,
                   Statistics& statistics, LogStore& logs, const Clock& clock,
                   Executor& worker);

  // `done` runs exactly once, perhaps before this returns.
  std::shared_ptr<Ticket> Invoke(Call call, InvocationDone done);

  // The client has gone: a call that waits, or whose event is being checked, is
  // dropped. One that runs goes on,
  // or is stopped when its function says so (cancel_on_disconnect). A call with
  // an idempotency key is given up when all who sent it have gone.
  void Cancel(Ticket& ticket);

  void OnFunctionChanged(const FunctionPtr&) override {}
  void OnFunctionDeleted(const std::string& function_id) override;

 private:
  // Goes on with a call whose event is valid, or not.
  void Accept(Call call, absl::Time received, const absl::Status& event,
              const std::shared_ptr<Ticket>& ticket, InvocationDone done);
  void CheckElsewhere(Call call, absl::Time received,
                      const std::shared_ptr<Ticket>& ticket,
                      InvocationDone done);
  void Submit(Call call, absl::Time received, FunctionPtr function,
              const std::shared_ptr<Ticket>& ticket, InvocationDone done);
  // The same for a call with an idempotency key.
  void SubmitOnce(Call call, absl::Time received, FunctionPtr function,
                  const std::shared_ptr<Ticket>& ticket, InvocationDone done);
  void Record(const Invocation& invocation,
              const absl::StatusOr<Receipt>& outcome);

  FunctionDirectory& directory_;
  Admission& admission_;
  Dispatcher& dispatcher_;
  IdempotencyStore& idempotency_;
  Statistics& statistics_;
  LogStore& logs_;
  const Clock& clock_;
  Executor& worker_;
  // Of the events that `worker` has not checked yet.
  std::atomic<size_t> unchecked_bytes_ = 0;
};

}  // namespace so
