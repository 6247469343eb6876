#include "services/scaler/policy/known_schedules.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace so {
namespace {

// So late a call may come, for want of better clocks.
constexpr absl::Duration kAfter = absl::Seconds(60);

std::string Seconds(absl::Duration duration) {
  return absl::StrFormat("%.1fs", absl::ToDoubleSeconds(duration));
}

}  // namespace

KnownSchedules::KnownSchedules(std::vector<KnownSchedule> schedules,
                               absl::Duration reading_interval)
    : schedules_(std::move(schedules)),
      reading_interval_(std::max(reading_interval, absl::ZeroDuration())) {}

Proposal KnownSchedules::Propose(const FunctionLoad& /*load*/,
                                 const FunctionSpec& spec, absl::Time now) {
  const absl::Duration lead = 2 * (spec.cold_start + reading_interval_);
  absl::Time fires;
  const KnownSchedule* next = Soonest(now, fires);
  const absl::Time latest = LatestFire(now);
  const bool ahead = next != nullptr && now >= fires - lead;
  const bool behind = now < latest + kAfter;

  Proposal proposal = {.policy = std::string(name()),
                       .wanted = ahead || behind ? 1 : 0};
  if (behind) {
    proposal.formula = absl::StrCat("fired ", Seconds(now - latest), " ago; ");
  }
  if (next == nullptr) {
    absl::StrAppend(&proposal.formula, "fires never; ", proposal.wanted);
    return proposal;
  }
  absl::StrAppend(&proposal.formula, "\"", next->cron.text(), "\" fires next ",
                  absl::FormatTime("%Y-%m-%d %H:%M", fires, next->zone), " (",
                  next->zone.name(), "), an instance is there from ",
                  Seconds(lead), " ahead; ", proposal.wanted);
  return proposal;
}

absl::Time KnownSchedules::NextKnown(absl::Time now) const {
  absl::Time fires;
  Soonest(now, fires);
  return fires;
}

const KnownSchedule* KnownSchedules::Soonest(absl::Time now,
                                             absl::Time& fires) const {
  fires = absl::InfiniteFuture();
  const KnownSchedule* soonest = nullptr;
  for (const KnownSchedule& schedule : schedules_) {
    const absl::Time next = schedule.cron.Next(now, schedule.zone);
    if (next >= fires) continue;
    fires = next;
    soonest = &schedule;
  }
  return soonest;
}

absl::Time KnownSchedules::LatestFire(absl::Time now) const {
  absl::Time latest = absl::InfinitePast();
  for (const KnownSchedule& schedule : schedules_) {
    latest = std::max(latest, schedule.cron.Previous(now, schedule.zone));
  }
  return latest;
}

}  // namespace so
