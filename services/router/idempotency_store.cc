#include "services/router/idempotency_store.h"

#include <vector>

#include "services/registry/client/sha256.h"
#include "services/router/router_errors.h"

namespace so {
namespace {

// What an answer takes besides its own bytes: nodes of the containers, the
// hash, the allocator.
constexpr int64_t kOverheadBytes = 512;

// Whether user code saw the call, or may have seen it.
bool MayHaveRun(const absl::StatusOr<Receipt>& outcome) {
  return outcome.ok() &&
         (!outcome->has_error() || outcome->error().executed() != "no");
}

Receipt Replayed(const Receipt& receipt) {
  Receipt replayed = receipt;
  replayed.set_replayed(true);
  return replayed;
}

// What somebody else is told of a run. A run that was given up, because its
// callers had left, has not run; who came just then did not leave.
absl::StatusOr<Receipt> Shared(const absl::StatusOr<Receipt>& outcome) {
  if (outcome.ok()) return Replayed(*outcome);
  if (absl::IsCancelled(outcome.status())) return GivenUp();
  return outcome;
}

}  // namespace

// Guarded by the store's lock, but for what never changes.
class IdempotencyStore::Run {
 public:
  struct Waiter {
    uint64_t id = 0;  // 0 is the first call.
    InvocationDone done;
  };

  NameKey name;
  std::string event_hash;
  std::function<void()> give_up;

  std::vector<Waiter> waiters;
  uint64_t last_waiter = 0;
  // Nobody finds it any more; its answer is not to be kept.
  bool forgotten = false;

  // Once it has ended and is kept:
  std::shared_ptr<const Receipt> answer;
  absl::Time ended;
  int64_t bytes = 0;
};

// What has not ended holds, by its callbacks, the call that holds it.
IdempotencyStore::~IdempotencyStore() {
  for (auto& [name, run] : runs_) run->give_up = nullptr;
}

IdempotencyStore::Place IdempotencyStore::Begin(const Name& name,
                                                absl::string_view event,
                                                InvocationDone done,
                                                std::function<void()> give_up) {
  std::string hash = Sha256Hex(event);
  std::shared_ptr<const Receipt> answer;
  {
    MutexLock lock(mu_);
    Trim(clock_.Now());
    RunPtr& run = runs_[{name.function_id, name.key}];
    if (run == nullptr) {
      run = std::make_shared<Run>();
      run->name = {name.function_id, name.key};
      run->event_hash = std::move(hash);
      run->give_up = std::move(give_up);
      run->waiters.push_back({.id = 0, .done = std::move(done)});
      return {.run = run, .waiter = 0, .first = true};
    }
    if (run->event_hash == hash) {
      if (run->answer == nullptr) {
        const uint64_t waiter = ++run->last_waiter;
        run->waiters.push_back({.id = waiter, .done = std::move(done)});
        return {.run = run, .waiter = waiter};
      }
      answer = run->answer;
    }
  }
  if (answer == nullptr) {
    done(IdempotencyMismatch());
  } else {
    done(Replayed(*answer));
  }
  return {};
}

void IdempotencyStore::Leave(const Place& place) {
  if (place.run == nullptr) return;
  InvocationDone done;
  std::function<void()> give_up;
  {
    MutexLock lock(mu_);
    auto& waiters = place.run->waiters;
    for (auto it = waiters.begin(); it != waiters.end(); ++it) {
      if (it->id != place.waiter) continue;
      done = std::move(it->done);
      waiters.erase(it);
      if (waiters.empty()) give_up = place.run->give_up;
      break;
    }
  }
  if (done) done(ClientGone());
  if (give_up) give_up();
}

void IdempotencyStore::End(const RunPtr& run,
                           const absl::StatusOr<Receipt>& outcome) {
  std::vector<Run::Waiter> waiters;
  {
    // Copied before the lock is taken: it may have megabytes.
    auto answer = MayHaveRun(outcome)
                      ? std::make_shared<const Receipt>(*outcome)
                      : nullptr;
    const absl::Time now = clock_.Now();
    MutexLock lock(mu_);
    waiters.swap(run->waiters);
    run->give_up = nullptr;
    if (!run->forgotten) {
      if (answer == nullptr) {
        runs_.erase(run->name);
      } else {
        run->bytes = static_cast<int64_t>(answer->SpaceUsedLong() +
                                          2 * (run->name.first.size() +
                                               run->name.second.size())) +
                     kOverheadBytes;
        run->answer = std::move(answer);
        run->ended = now;
        bytes_ += run->bytes;
        kept_.push_back(run);
        Trim(now);
      }
    }
  }
  for (Run::Waiter& waiter : waiters) {
    waiter.done(waiter.id == 0 ? outcome : Shared(outcome));
  }
}

void IdempotencyStore::ForgetFunction(absl::string_view function_id) {
  MutexLock lock(mu_);
  for (auto it = kept_.begin(); it != kept_.end();) {
    const auto kept = it++;
    if ((*kept)->name.first == function_id) Drop(kept);
  }
  for (auto it = runs_.begin(); it != runs_.end();) {
    const auto run = it++;
    if (run->first.first != function_id) continue;
    run->second->forgotten = true;
    runs_.erase(run);
  }
}

int64_t IdempotencyStore::bytes() const {
  MutexLock lock(mu_);
  return bytes_;
}

void IdempotencyStore::Trim(absl::Time now) {
  while (!kept_.empty() && (now - kept_.front()->ended >= options_.ttl ||
                            bytes_ > options_.bytes)) {
    Drop(kept_.begin());
  }
}

void IdempotencyStore::Drop(std::list<RunPtr>::iterator kept) {
  bytes_ -= (*kept)->bytes;
  runs_.erase((*kept)->name);
  kept_.erase(kept);
}

}  // namespace so
