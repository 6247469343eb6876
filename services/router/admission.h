#pragma once

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "serverless/function/v1/function.pb.h"
#include "services/router/byte_budget.h"
#include "services/router/client_limiter.h"
#include "services/router/drain_rate.h"
#include "services/router/token_bucket.h"

namespace so {

// Decides whether a call may come in at all: the limits that a function has
// set for itself, the rate of its client, and the bytes that the router holds.
// Thread-safe.
class Admission {
 public:
  struct Options {
    // Of events waiting and running, all functions together.
    int64_t queue_bytes = 256 << 20;
    // Of those, what one function may hold; at most queue_bytes.
    int64_t queue_bytes_per_function = 128 << 20;
    RateLimit per_client = {};
  };

  Admission(Options options, const Clock& clock);

  // Lets in a call with an event of `bytes`, or says why not: RATE_LIMITED,
  // CONCURRENCY_LIMIT, QUEUE_FULL, NO_CAPACITY, with the time after which it is
  // worth trying again. An empty `client` has no limit. A refused call uses up
  // nothing.
  absl::Status Admit(const serverless::function::v1::Function& function,
                     absl::string_view client, int64_t bytes)
      ABSL_LOCKS_EXCLUDED(mu_);
  // The two halves of Admit, for calls that may turn out to need no run of
  // their own: first the rates, against which every call counts, then the rest.
  absl::Status AdmitRate(const serverless::function::v1::Function& function,
                         absl::string_view client) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status AdmitLoad(const serverless::function::v1::Function& function,
                         int64_t bytes) ABSL_LOCKS_EXCLUDED(mu_);
  // Once for every call let in, when it has ended.
  void Release(const std::string& function_id, int64_t bytes)
      ABSL_LOCKS_EXCLUDED(mu_);

  void ForgetFunction(const std::string& function_id) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Entry {
    int calls = 0;  // Waiting or running.
    bool deleted = false;
    TokenBucket bucket;
    DrainRate drained;
  };

  absl::Status CheckRate(const serverless::function::v1::Function& function,
                         absl::string_view client, Entry& entry, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status CheckLoad(const serverless::function::v1::Function& function,
                         int64_t bytes, Entry& entry, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TakeRate(const serverless::function::v1::Function& function,
                absl::string_view client, Entry& entry)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TakeLoad(const serverless::function::v1::Function& function,
                int64_t bytes, Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Clock& clock_;
  Mutex mu_;
  ByteBudget bytes_ ABSL_GUARDED_BY(mu_);
  ClientLimiter clients_ ABSL_GUARDED_BY(mu_);
  DrainRate drained_ ABSL_GUARDED_BY(mu_);
  // By function id: those called since the start and not deleted.
  absl::flat_hash_map<std::string, Entry> functions_ ABSL_GUARDED_BY(mu_);
};

}  // namespace so
