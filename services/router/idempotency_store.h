#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "services/router/invocation.h"

namespace so {

// Calls with an idempotency key: runs each once, lets those that come with the
// same key while it runs wait for its answer, and gives those that come later
// the answer that is kept. What was refused before user code could run is not
// kept, so that it can be tried again; everything else is, failures included,
// so that nothing runs twice without its caller knowing. Thread-safe; callbacks
// run outside the lock, on the thread that caused them.
class IdempotencyStore {
 public:
  struct Options {
    // How long an answer is kept. It goes when the next call with a key comes.
    absl::Duration ttl = absl::Minutes(10);
    // Of answers kept, with what it takes to keep them; the oldest go first.
    int64_t bytes = 64 << 20;
  };

  // Keys of one function are nothing to another.
  struct Name {
    std::string function_id;
    std::string key;
  };

  // One run of a function, and everybody who waits for it.
  class Run;
  using RunPtr = std::shared_ptr<Run>;

  // Where a call stands that has been taken in.
  struct Place {
    RunPtr run;  // Null when the call is answered already.
    uint64_t waiter = 0;
    bool first = false;  // It has to be run, and End to be called.
  };

  IdempotencyStore(Options options, const Clock& clock)
      : options_(options), clock_(clock) {}
  ~IdempotencyStore();

  // Takes in a call with `event`, which is not empty. `done` runs once: with
  // what the run came to; before this returns with the answer that is kept
  // (`replayed`), or IDEMPOTENCY_MISMATCH when that belongs to another event.
  // `give_up` is kept for the first call only: it runs whenever all who waited
  // have left, and should stop the run if it can be stopped.
  Place Begin(const Name& name, absl::string_view event, InvocationDone done,
              std::function<void()> give_up) ABSL_LOCKS_EXCLUDED(mu_);

  // The client of a call has gone: its `done` runs with CANCELLED, unless it
  // has run already.
  void Leave(const Place& place) ABSL_LOCKS_EXCLUDED(mu_);

  // What a run came to, once for every Place that is `first`.
  void End(const RunPtr& run, const absl::StatusOr<Receipt>& outcome)
      ABSL_LOCKS_EXCLUDED(mu_);

  // The function was deleted: its answers are dropped. Who waits goes on
  // waiting.
  void ForgetFunction(absl::string_view function_id) ABSL_LOCKS_EXCLUDED(mu_);

  // Of the answers kept.
  int64_t bytes() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using NameKey = std::pair<std::string, std::string>;

  // Drops what is too old, and then the oldest until the rest fits.
  void Trim(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Drop(std::list<RunPtr>::iterator kept)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;
  const Clock& clock_;
  mutable Mutex mu_;
  // Those that run, and those whose answer is kept.
  absl::flat_hash_map<NameKey, RunPtr> runs_ ABSL_GUARDED_BY(mu_);
  // Those whose answer is kept, the oldest first.
  std::list<RunPtr> kept_ ABSL_GUARDED_BY(mu_);
  int64_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace so
