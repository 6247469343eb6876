#include "services/router/client_limiter.h"

namespace so {

absl::Duration ClientLimiter::Wait(absl::string_view client, absl::Time now) {
  if (!limit_.limited() || client.empty()) return absl::ZeroDuration();
  const auto it = by_name_.find(client);
  if (it != by_name_.end()) {
    entries_.splice(entries_.begin(), entries_, it->second);
  } else {
    if (entries_.size() >= max_clients_) {
      by_name_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(std::string(client), TokenBucket());
    by_name_[entries_.front().first] = entries_.begin();
  }
  return entries_.front().second.UntilNext(limit_, now);
}

void ClientLimiter::Take(absl::string_view client) {
  if (const auto it = by_name_.find(client); it != by_name_.end()) {
    it->second->second.Take();
  }
}

}  // namespace so
