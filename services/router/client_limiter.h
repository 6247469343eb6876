#pragma once

#include <list>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "services/router/token_bucket.h"

namespace so {

// One rate limit for each client. Remembers the latest `max_clients` of them;
// one that is forgotten starts with a full bucket again. Not thread-safe.
class ClientLimiter {
 public:
  explicit ClientLimiter(RateLimit limit, size_t max_clients = 100'000)
      : limit_(limit), max_clients_(max_clients) {}

  // Zero when a call of `client` is within the limit: then Take may be called.
  // Otherwise how long until one is. A client without a name has no limit.
  absl::Duration Wait(absl::string_view client, absl::Time now);
  void Take(absl::string_view client);

  size_t clients() const { return by_name_.size(); }

 private:
  using Entry = std::pair<std::string, TokenBucket>;

  const RateLimit limit_;
  const size_t max_clients_;
  // The latest seen first.
  std::list<Entry> entries_;
  absl::flat_hash_map<std::string, std::list<Entry>::iterator> by_name_;
};

}  // namespace so
