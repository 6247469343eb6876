#pragma once

#include <vector>

#include "services/scaler/policy/concurrency_target.h"
#include "services/scaler/policy/scaling_policy.h"

namespace so {

// "concurrency": as many instances as ConcurrencyTarget says, for the mean
// number of calls that ran or waited between two readings.
class ConcurrencyScaling final : public ScalingPolicy {
 public:
  // instance_concurrency and max_instances are those of the function, and
  // min_instances is 0, whatever is set here: bounds are kept by Compose.
  // stale_after must be above the time between readings: a longer one is a hole
  // in them, after which nothing shrinks for a window.
  using Options = ConcurrencyTarget::Options;

  ConcurrencyScaling() : ConcurrencyScaling(Options()) {}
  explicit ConcurrencyScaling(const Options& options) : options_(options) {}

  absl::string_view name() const override { return "concurrency"; }
  Proposal Propose(const FunctionLoad& load, const FunctionSpec& spec,
                   absl::Time now) override;

 private:
  void Remember(const ConcurrencySample& sample);

  const Options options_;
  // Those of the stable window, the latest last.
  std::vector<ConcurrencySample> samples_;
  TargetState state_;
};

}  // namespace so
