#pragma once

#include "services/scaler/policy/scaling_policy.h"

namespace so {

// "latency": a step more while instances are what is missing, which shows in
// one of two ways:
//   - calls wait, the average response is above the target, and waiting is at
//     least half of it;
//   - calls are refused for want of capacity.
// A function that is itself slow, or fails, gets nothing: more instances would
// be as slow, and fail as often. The formula says so.
//
// Its proposal is a floor for as long as the reason holds; it rises by at most
// one step a cooldown, so that a step can show what it does before the next.
class LatencyScaling final : public ScalingPolicy {
 public:
  struct Options {
    // Waiting included.
    absl::Duration target_response = absl::Seconds(1);
    // The largest share of refused calls that is let be, 0 to 1.
    double refused = 0.05;
    // A step, as a share of the instances that there are; at least one.
    double step = 0.25;
    absl::Duration cooldown = absl::Seconds(10);
  };

  LatencyScaling() : LatencyScaling(Options()) {}
  // What is out of range is set to the nearest that is not.
  explicit LatencyScaling(const Options& options);

  absl::string_view name() const override { return "latency"; }
  Proposal Propose(const FunctionLoad& load, const FunctionSpec& spec,
                   absl::Time now) override;

 private:
  // Whether instances are missing, and why or why not.
  struct Finding {
    bool missing = false;
    std::string why;
  };

  Finding Find(const FunctionLoad& load) const;
  Finding FindSlow(const FunctionLoad& load) const;

  Options options_;
  // Of the latest reading in which calls ended; 0 before.
  absl::Duration average_run_;
  // Of the latest step; 0 and InfinitePast when the reason does not hold.
  int floor_ = 0;
  absl::Time stepped_ = absl::InfinitePast();
};

}  // namespace so
