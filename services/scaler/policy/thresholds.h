#pragma once

#include "services/scaler/policy/scaling_policy.h"

namespace so {

// "thresholds": adds a few instances when one of four numbers is beyond its
// threshold; of several, the one that asks for most. What is already warming up
// counts as asked for, and a function without instances and without waiting
// calls is left alone.
//
// Decides at most once an interval, and repeats itself in between. Its proposal
// is a floor for as long as the reason holds: then it wants nothing any more,
// and instances go by being idle.
class ThresholdScaling final : public ScalingPolicy {
 public:
  // The defaults are those of ScalerConfig.
  struct Options {
    // More calls than this wait ("queue-depth"): one instance for each such
    // number of them. 0: for each waiting call.
    int queue_depth = 10;
    // Fewer instances than this are free while some are busy ("low-warm"):
    // those that are missing. 0 switches the rule off.
    int min_warm = 2;
    // The average response takes longer than this while calls wait
    // ("response-time"): one.
    absl::Duration response_time = absl::Seconds(1);
    // A larger share of calls than this was refused for want of capacity
    // ("error-rate"): max_step.
    double error_rate = 0.05;
    // Most instances added at once. At least 1.
    int max_step = 3;
    // Time from one decision to the next at least, to a twentieth.
    absl::Duration interval = absl::Seconds(5);
  };

  ThresholdScaling() : ThresholdScaling(Options()) {}
  // What is out of range is set to the nearest that is not.
  explicit ThresholdScaling(const Options& options);

  absl::string_view name() const override { return "thresholds"; }
  Proposal Propose(const FunctionLoad& load, const FunctionSpec& spec,
                   absl::Time now) override;

 private:
  Proposal Decide(const FunctionLoad& load, const FunctionSpec& spec) const;

  Options options_;
  absl::Time decided_ = absl::InfinitePast();
  Proposal proposal_;
};

}  // namespace so
