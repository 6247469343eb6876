#pragma once

#include <vector>

#include "absl/time/time.h"
#include "base/cron.h"
#include "services/scaler/policy/scaling_policy.h"

namespace so {

// When a trigger calls a function.
struct KnownSchedule {
  CronSchedule cron;
  absl::TimeZone zone;
};

// Wants an instance for calls whose time is known: from two cold starts and
// readings ahead of each firing until 60 s behind it.
class KnownSchedules : public ScalingPolicy {
 public:
  // `reading_interval` is how far apart proposals are made.
  explicit KnownSchedules(std::vector<KnownSchedule> schedules,
                          absl::Duration reading_interval = absl::Seconds(2));

  absl::string_view name() const override { return "schedules"; }
  Proposal Propose(const FunctionLoad& load, const FunctionSpec& spec,
                   absl::Time now) override;

  // The next firing after `now`; InfiniteFuture when there is none.
  absl::Time NextKnown(absl::Time now) const override;

 private:
  // The schedule that fires next, and when; null when none does.
  const KnownSchedule* Soonest(absl::Time now, absl::Time& fires) const;
  absl::Time LatestFire(absl::Time now) const;

  const std::vector<KnownSchedule> schedules_;
  const absl::Duration reading_interval_;
};

}  // namespace so
