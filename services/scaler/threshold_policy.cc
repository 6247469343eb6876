#include "services/scaler/threshold_policy.h"

#include <algorithm>
#include <initializer_list>

namespace so {
namespace {

// How many instances a reason asks for, those warming up included; 0 when it
// does not apply.
struct Demand {
  ScaleReason reason;
  int instances;
};

int QueueDemand(const FunctionLoad& load, const ThresholdPolicy& policy) {
  if (load.queue_depth <= policy.queue_depth) return 0;
  // One for each threshold's worth of waiting calls, the last one begun.
  const int share = std::max(policy.queue_depth, 1);
  return 1 + (load.queue_depth - 1) / share;
}

int LowWarmDemand(const FunctionLoad& load, const ThresholdPolicy& policy) {
  return load.busy > 0 ? std::max(policy.min_warm - load.warm, 0) : 0;
}

int ResponseTimeDemand(const FunctionLoad& load,
                       const ThresholdPolicy& policy) {
  const bool slow = load.average_response > policy.response_time;
  return slow && load.queue_depth > 0 ? 1 : 0;
}

int ErrorRateDemand(const FunctionLoad& load, const ThresholdPolicy& policy) {
  const bool failing =
      load.error_rate.has_value() && *load.error_rate > policy.error_rate;
  return failing ? policy.max_step : 0;
}

Demand LargestDemand(const FunctionLoad& load, const ThresholdPolicy& policy) {
  Demand largest{ScaleReason::kNone, 0};
  for (const Demand& demand :
       {Demand{ScaleReason::kQueueDepth, QueueDemand(load, policy)},
        Demand{ScaleReason::kLowWarm, LowWarmDemand(load, policy)},
        Demand{ScaleReason::kResponseTime, ResponseTimeDemand(load, policy)},
        Demand{ScaleReason::kErrorRate, ErrorRateDemand(load, policy)}}) {
    if (demand.instances > largest.instances) largest = demand;
  }
  return largest;
}

}  // namespace

absl::string_view ToString(ScaleReason reason) {
  switch (reason) {
    case ScaleReason::kNone:
      return "none";
    case ScaleReason::kQueueDepth:
      return "queue-depth";
    case ScaleReason::kLowWarm:
      return "low-warm";
    case ScaleReason::kResponseTime:
      return "response-time";
    case ScaleReason::kErrorRate:
      return "error-rate";
  }
  return "none";
}

ScalingDecision Decide(const FunctionLoad& load, const ThresholdPolicy& policy,
                       absl::Time now) {
  const int current = load.current();
  ScalingDecision decision{.time = now,
                           .reason = ScaleReason::kNone,
                           .current = current,
                           .desired = current,
                           .inputs = load};
  if (current == 0 && load.queue_depth == 0) return decision;

  const Demand demand = LargestDemand(load, policy);
  const int step = std::min(demand.instances - load.warming, policy.max_step);
  int desired = current + step;
  if (load.max_instances > 0) desired = std::min(desired, load.max_instances);
  if (desired <= current) return decision;

  decision.reason = demand.reason;
  decision.desired = desired;
  return decision;
}

}  // namespace so
