#pragma once

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/scaler/policy/function_load.h"

namespace so {

// When to scale up, and by how much. The defaults are those of ScalerConfig.
struct ThresholdPolicy {
  // More calls than this wait.
  int queue_depth = 10;
  // Fewer instances than this are free while some are busy.
  int min_warm = 2;
  // The average response takes longer than this while calls wait.
  absl::Duration response_time = absl::Seconds(1);
  // A larger share of calls than this was lost to missing capacity.
  double error_rate = 0.05;
  // Most instances added at once.
  int max_step = 3;
};

enum class ScaleReason {
  kNone,
  kQueueDepth,
  kLowWarm,
  kResponseTime,
  kErrorRate
};

// "queue-depth", "low-warm", "response-time", "error-rate"; "none".
absl::string_view ToString(ScaleReason reason);

// What is to be done about one function.
struct ScalingDecision {
  absl::Time time;
  // kNone: desired == current, nothing to do.
  ScaleReason reason = ScaleReason::kNone;
  int current = 0;
  int desired = 0;
  FunctionLoad inputs;
};

// Decides by thresholds. Pure. Of several reasons, the one that asks for most
// instances wins. What is already warming up counts as asked for, and a
// function without instances and without waiting calls is left alone. Never
// decides to scale down: instances expire by being idle.
ScalingDecision Decide(const FunctionLoad& load, const ThresholdPolicy& policy,
                       absl::Time now);

}  // namespace so
