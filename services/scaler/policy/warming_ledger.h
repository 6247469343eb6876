#pragma once

#include "absl/time/time.h"
#include "services/scaler/policy/flap_counter.h"
#include "services/scaler/policy/function_load.h"

namespace so {

// Adds up, over restarts of routers and pools, what the instances of one
// function cost and brought. Not thread-safe.
class WarmingLedger {
 public:
  struct Totals {
    double invocations = 0;
    double cold_starts = 0;
    // GB-seconds.
    double busy = 0;
    double idle = 0;
    double wasted = 0;
  };

  // `now` does not fall.
  void Observe(const FunctionLoad& load, absl::Time now);
  // An instance went `idle` after its last call.
  void NoteEnd(absl::Duration idle, double memory_gb);

  const Totals& totals() const { return totals_; }
  const FlapCounter& flaps() const { return flaps_; }
  // Idle GB-seconds since the reading before.
  double latest_idle() const { return latest_idle_; }

  // Those of an earlier life.
  void Restore(const Totals& totals, double flaps);

 private:
  Totals totals_;
  FlapCounter flaps_;
  double latest_idle_ = 0;
  // Counters of the reading before.
  bool known_ = false;
  Totals previous_;
};

}  // namespace so
