#pragma once

#include "services/scaler/policy/scaling_policy.h"

namespace so {

// "drain": so many instances, beside those that are busy, that the calls which
// wait now are done within a set time:
//
//     ceil(waiting * average run / (target_wait * calls an instance runs at
//     once))
//
// but never more than calls wait. Instances that are free or warming up are
// among them. As long as no run time is known, one for as many calls as an
// instance runs at once, to a bound. Wants nothing when no call waits.
class QueueDrain final : public ScalingPolicy {
 public:
  struct Options {
    // At least 1 ms.
    absl::Duration target_wait = absl::Milliseconds(100);
    // Most instances beside the busy ones while no run time is known.
    int most_unknown = 10;
  };

  QueueDrain() : QueueDrain(Options()) {}
  // What is out of range is set to the nearest that is not.
  explicit QueueDrain(const Options& options);

  absl::string_view name() const override { return "drain"; }
  Proposal Propose(const FunctionLoad& load, const FunctionSpec& spec,
                   absl::Time now) override;

 private:
  // Beside those that are busy.
  int Needed(int waiting, int at_once) const;

  Options options_;
  // Of the latest reading in which calls ended; 0 before.
  absl::Duration average_run_;
};

}  // namespace so
