#pragma once

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "services/scaler/load_source.h"

namespace so {

// Turns the router's counters, which only grow, into what happened between two
// readings. Not thread-safe.
class LoadChanges {
 public:
  // Fills in what each load says of the time since the previous call. That
  // stays empty when nothing can be said: for the first reading, for a router
  // that was restarted, and for a function seen for the first time, of which
  // only the calls since then are known. `now` is on a monotonic clock.
  void Update(LoadReading& reading, absl::Time now);

 private:
  struct Counters {
    double invocations = 0;
    double rejected = 0;
    double failed = 0;
    absl::Duration call_time;
    absl::Duration run_time;
  };

  std::string router_id_;
  absl::Time time_ = absl::InfinitePast();
  absl::flat_hash_map<std::string, Counters> previous_;
};

}  // namespace so
