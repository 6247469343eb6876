#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "services/scaler/policy/function_planner.h"
#include "services/scaler/policy/keep_alive_policy.h"
#include "services/scaler/policy/scaling_policy.h"
#include "services/scaler/policy/season.h"

namespace so {

// Keeps or starts instances for calls that are to be expected: by the gaps
// between the times that k instances were needed, for each k, and by the habits
// of days and weeks. Wanted are as many instances as there are places whose
// plan has one now, and one at least where a call is expected by habit.
//
// Readings come now and then, so gaps are as exact as they are, and one counts
// only when a reading in between saw that there was no need. What is to be
// there at a time is wanted a cold start and two readings before it; readings
// are taken to be as far apart as they have been of late, a minute at most.
//
// The idle timeout it proposes is for instances beyond those wanted, which is
// to say for places whose plans have given them up: that of the first such
// place, and never more than that of the first place of all, as instances are
// interchangeable and it must not be known which one is which. It may be less
// than the pool's own. As long as fewer than three gaps are known there is
// none; what a prior alone says is no reason to be worse than the pool.
class Prediction : public ScalingPolicy {
 public:
  struct Options {
    // Of the habits.
    absl::TimeZone zone = absl::UTCTimeZone();
    // What a GB-second may cost for habits; that of `policy` for gaps.
    double price = 0.02;
    // How far apart readings are at least.
    absl::Duration reading_interval = absl::Seconds(2);
  };

  // When a call comes next, and what says so: "gap" or "season".
  struct Expected {
    absl::Time at;
    std::string by;
  };

  // `policy` is borrowed.
  Prediction(const KeepAlivePolicy& policy, const Options& options);

  absl::string_view name() const override { return "prediction"; }
  // A `now` that is a little less than the one before counts as equal; after
  // more than Season::kLongestInterval the times of before are forgotten, not
  // the habits and gaps.
  Proposal Propose(const FunctionLoad& load, const FunctionSpec& spec,
                   absl::Time now) override;

  // The sooner of what gaps and habits say; never before `now`. Habits are
  // looked at for `horizon`, a week at most. Goes by the latest proposal, and
  // there is none before the first.
  std::optional<Expected> NextExpected(
      absl::Time now, absl::Duration horizon = absl::Hours(24)) const;

  // What was learned, for what is remembered between runs.
  const FunctionPlanner& planner() const { return planner_; }
  const Season& season() const { return season_; }
  // When k instances were last needed, the k-th at k - 1.
  const std::vector<absl::Time>& last_needed() const { return last_needed_; }

  // To be called before the first proposal. False, and nothing changes, when it
  // cannot be.
  bool RestoreGaps(int level, absl::Span<const double> weights, double beyond) {
    return planner_.Restore(level, weights, beyond);
  }
  bool RestoreSeason(const Season::State& state) {
    return season_.Restore(state);
  }
  // A gap that nobody has seen the whole of does not count; but plans go on.
  // At most 1000, falling from one to the next, none infinite or later than
  // `now`.
  bool RestoreLastNeeded(std::vector<absl::Time> times, absl::Time now);

 private:
  // Says what to make of `now`, and returns the time that takes its place.
  absl::Time Tick(absl::Time now, bool& hole);
  void Learn(int needed, bool hole, absl::Time now);
  // How many places have a plan that has an instance now or within `lead`.
  int PlannedFor(int places, absl::Duration lead, absl::Time now);
  std::optional<absl::Duration> IdleTimeout(int wanted, absl::Time now);
  std::string Explained(const KeepAliveDecision& first, int planned,
                        const std::optional<Season::Slot>& slot, int wanted,
                        absl::Time now) const;

  const Options options_;
  FunctionPlanner planner_;
  Season season_;
  // As long as the most that were ever needed at once.
  std::vector<absl::Time> last_needed_;
  int needed_ = 0;
  absl::Time last_reading_ = absl::InfinitePast();
  // Gaps that began before this were not seen as a whole.
  absl::Time gaps_since_ = absl::InfinitePast();
  // How far apart readings are.
  absl::Duration pace_;

  // Of the latest proposal.
  FunctionProfile profile_;
  WarmPlan first_plan_;
};

}  // namespace so
