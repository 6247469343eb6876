#pragma once

#include <vector>

#include "absl/time/time.h"
#include "base/cron.h"
#include "services/scaler/policy/scaling_policy.h"

namespace so {

// A time that comes again, in which instances are kept whatever happens.
struct WarmWindowSpec {
  CronSchedule start;
  // Above 0.
  absl::Duration duration;
  absl::TimeZone zone;
  // At least 1.
  int instances = 1;
};

// Wants the instances of the windows that are open; where they overlap, the
// largest number. A window is open from its start until `duration` later, the
// end not included, whatever the clocks show then. One that begins again while
// it is open goes on. Looks at nothing but the clock, so that a restart within
// a window finds it open.
class WarmWindows : public ScalingPolicy {
 public:
  explicit WarmWindows(std::vector<WarmWindowSpec> windows);

  absl::string_view name() const override { return "windows"; }
  Proposal Propose(const FunctionLoad& load, const FunctionSpec& spec,
                   absl::Time now) override;

  // When the next window begins, after `now`; InfiniteFuture when none does.
  absl::Time NextStart(absl::Time now) const;

 private:
  const std::vector<WarmWindowSpec> windows_;
};

}  // namespace so
