#pragma once

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "services/scaler/policy/function_planner.h"
#include "services/scaler/policy/keep_alive_policy.h"
#include "services/scaler/replay/arrivals.h"
#include "services/scaler/replay/trace.h"

namespace so {

struct ReplayOptions {
  // What a call waits longer for when it starts an instance.
  absl::Duration cold_start = absl::Milliseconds(6);
  Spread spread = Spread::kEven;
  uint64_t seed = 1;
};

// What became of one function under one policy.
struct FunctionResult {
  uint64_t calls = 0;
  // Calls that found no instance free.
  uint64_t cold = 0;
  // Instances started while nobody waited: before they were needed, or in the
  // place of one that was too old.
  uint64_t started_ahead = 0;
  // Instances let go.
  uint64_t evictions = 0;
  // Cold starts less than a minute after an instance had been let go.
  uint64_t flaps = 0;
  double idle_gb_seconds = 0;
  double busy_gb_seconds = 0;
};

// Runs the calls of a function through a policy, on a clock of its own. An
// instance runs one call at a time; a call that finds none free starts one, and
// that one is busy for the start and the call. Instances are interchangeable:
// the k-th place is taken while at least k calls run, and idle or empty in
// between.
class FunctionReplay {
 public:
  // All borrowed. The trace ends after `length`: what is idle then, counts
  // until then.
  FunctionReplay(const TraceFunction& function, absl::Duration length,
                 const KeepAlivePolicy& policy, const ReplayOptions& options);

  FunctionResult Run();

 private:
  // One place for an instance.
  struct Place {
    // Whether an instance was ever here.
    bool used = false;
    // The instance was given to a lower place; the gap goes on.
    bool gone = false;
    absl::Duration idle_since;
    // When the instance started, unless it has ended.
    absl::Duration born;
    WarmPlan plan;
  };

  void EndCallsUntil(absl::Duration now);
  // Does what the policy's SpareRule says up to `now`, while as many instances
  // are busy as are now.
  void KeepSpares(absl::Duration now);
  void StartSpares(absl::Duration now);
  void BecomeIdle(Place& place, int k, absl::Duration now);
  // Shortens the plan of an instance that gets too old, or gives it a
  // successor.
  void ApplyAge(Place& place, absl::Duration now);
  void Arrive(absl::Duration now);
  // Takes an instance from a higher place that has one.
  bool TakeFromAbove(size_t index, absl::Duration now);
  // Counts what happened in a place since it became idle.
  void Settle(const Place& place, absl::Duration now);
  bool IsFlap(const Place& place, absl::Duration now) const;

  const TraceFunction& function_;
  const absl::Duration length_;
  const ReplayOptions options_;
  const SpareRule spare_;
  FunctionPlanner planner_;
  FunctionResult result_;
  std::vector<Place> places_;
  // The first places are the busy ones.
  size_t busy_ = 0;
  // When the running calls end: a heap, the earliest first.
  std::vector<absl::Duration> ends_;
  // When the spares are looked at next.
  absl::Duration next_look_;
};

}  // namespace so
