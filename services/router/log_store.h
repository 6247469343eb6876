#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "serverless/router/v1/router.pb.h"
#include "services/router/invocation.h"

namespace so {

// The logs of recent invocations, in memory. When the total is reached, the
// oldest entry of all functions goes first. Thread-safe.
class LogStore {
 public:
  struct Options {
    int per_function = 100;
    int64_t total_bytes = 64 << 20;
  };

  explicit LogStore(Options options) : options_(options) {}

  // Keeps what a receipt says, as of `ended` (wall clock).
  void Add(const Receipt& receipt, absl::Time ended) ABSL_LOCKS_EXCLUDED(mu_);
  void ForgetFunction(const std::string& function_id) ABSL_LOCKS_EXCLUDED(mu_);

  // Newest first, at most `limit`. An empty `request_id` matches all.
  std::vector<serverless::router::v1::InvocationLog> List(
      const std::string& function_id, absl::string_view request_id,
      absl::Time since, int limit) const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Entry {
    uint64_t sequence;  // Grows with every Add.
    int64_t bytes;
    absl::Time ended;
    serverless::router::v1::InvocationLog log;
  };
  using Entries = std::deque<Entry>;  // Oldest first.

  void DropOldest(std::map<std::string, Entries>::iterator function)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;
  mutable Mutex mu_;
  uint64_t next_sequence_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<std::string, Entries> functions_ ABSL_GUARDED_BY(mu_);
  // Which function holds the entry of each sequence number.
  std::map<uint64_t, std::string> by_age_ ABSL_GUARDED_BY(mu_);
};

}  // namespace so
