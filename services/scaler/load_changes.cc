#include "services/scaler/load_changes.h"

#include <algorithm>
#include <utility>

namespace so {

void LoadChanges::Update(LoadReading& reading, absl::Time now) {
  const bool comparable =
      !router_id_.empty() && reading.router_id == router_id_ && now > time_;
  absl::flat_hash_map<std::string, Counters> latest;
  latest.reserve(reading.loads.size());
  for (FunctionLoad& load : reading.loads) {
    const Counters counters = {.invocations = load.invocations,
                               .rejected = load.rejected,
                               .failed = load.failed,
                               .call_time = load.call_time,
                               .run_time = load.run_time};
    latest[load.function_id] = counters;
    // A function that the router did not know then has begun at 0 since.
    const Counters before = comparable ? previous_[load.function_id] : counters;
    const double calls = counters.invocations - before.invocations;
    const absl::Duration waited = counters.call_time - before.call_time;
    load.error_rate.reset();
    load.failure_rate = 0;
    load.calls = std::max(0.0, calls);
    load.average_run = absl::ZeroDuration();
    if (calls > 0) {
      load.error_rate = (counters.rejected - before.rejected) / calls;
      load.failure_rate = (counters.failed - before.failed) / calls;
      load.average_run = (counters.run_time - before.run_time) / calls;
    }
    if (comparable && waited > absl::ZeroDuration()) {
      load.concurrency = absl::FDivDuration(waited, now - time_);
    } else {
      load.concurrency = load.queue_depth + load.running;
    }
    // The peak reaches further back than the previous reading.
    if (comparable && calls <= 0 && waited <= absl::ZeroDuration()) {
      load.peak_concurrency = load.queue_depth + load.running;
    }
  }
  previous_ = std::move(latest);
  router_id_ = reading.router_id;
  time_ = now;
}

}  // namespace so
