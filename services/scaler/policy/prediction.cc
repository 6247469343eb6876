#include "services/scaler/policy/prediction.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/scaler/policy/instances_needed.h"

namespace so {
namespace {

constexpr absl::Duration kSlowestPace = absl::Seconds(60);
// Of the slowest recent reading, so that one that was late is forgotten.
constexpr double kPaceKept = 0.98;
// Gaps that must be known before instances go sooner than the pool has it.
constexpr double kKnownGaps = 3;
// The most that max_instances can be.
constexpr size_t kMostPlaces = 1000;

bool PlanHas(const WarmPlan& plan, absl::Duration idle, absl::Duration lead) {
  if (plan.WarmAfter(idle)) return true;
  return plan.has_prewarm() && idle < plan.prewarm &&
         idle + lead >= plan.prewarm;
}

std::string Seconds(absl::Duration duration) {
  return absl::FormatDuration(absl::Trunc(duration, absl::Seconds(1)));
}

}  // namespace

Prediction::Prediction(const KeepAlivePolicy& policy, const Options& options)
    : options_(options),
      planner_(policy, FunctionProfile()),
      season_({.zone = options.zone, .price = options.price}),
      pace_(options.reading_interval) {}

Proposal Prediction::Propose(const FunctionLoad& load, const FunctionSpec& spec,
                             absl::Time now) {
  const bool first = last_reading_ == absl::InfinitePast();
  bool hole = false;
  now = Tick(now, hole);
  profile_ = {.memory_gb = spec.memory_gb, .cold_start = spec.cold_start};
  planner_.SetProfile(profile_);
  // What the first reading is compared with is one that others saw.
  Learn(InstancesNeeded(load, spec, !hole || first), hole, now);

  const absl::Duration lead = spec.cold_start + 2 * pace_;
  const int most = std::max(spec.max_instances, 1);
  const int places = std::min(most, static_cast<int>(last_needed_.size()));
  const int planned = PlannedFor(places, lead, now);
  const std::optional<Season::Slot> slot =
      season_.NextExpected(profile_, now, lead);
  const int wanted = std::max(planned, slot ? 1 : 0);

  Proposal proposal = {.policy = std::string(name()), .wanted = wanted};
  proposal.idle_timeout = IdleTimeout(wanted, now);
  const KeepAliveDecision& one = planner_.Decide(1, now);
  first_plan_ = one.plan;
  proposal.formula = Explained(one, planned, slot, wanted, now);
  return proposal;
}

std::optional<Prediction::Expected> Prediction::NextExpected(
    absl::Time now, absl::Duration horizon) const {
  if (last_reading_ == absl::InfinitePast()) return std::nullopt;
  std::optional<Expected> expected;
  if (!last_needed_.empty() && first_plan_.has_prewarm()) {
    const absl::Time from = last_needed_[0] + first_plan_.prewarm;
    if (now <= from + first_plan_.prewarm_keep) {
      expected = {std::max(from, now), "gap"};
    }
  }
  const auto slot = season_.NextExpected(profile_, now, horizon);
  if (slot && (!expected || slot->begin < expected->at)) {
    expected = {std::max(slot->begin, now), "season"};
  }
  return expected;
}

bool Prediction::RestoreLastNeeded(std::vector<absl::Time> times,
                                   absl::Time now) {
  if (times.size() > kMostPlaces) return false;
  absl::Time before = now;
  for (const absl::Time time : times) {
    if (time > before || time == absl::InfinitePast()) return false;
    before = time;
  }
  last_needed_ = std::move(times);
  if (!last_needed_.empty()) season_.NoteCall(last_needed_[0]);
  return true;
}

absl::Time Prediction::Tick(absl::Time now, bool& hole) {
  const absl::Duration interval = now - last_reading_;
  if (interval < -Season::kLongestInterval) {
    // The clock was put back: nobody knows how long ago anything is.
    last_needed_.clear();
    hole = true;
  } else if (interval <= absl::ZeroDuration()) {
    return last_reading_;
  } else {
    hole = interval > Season::kLongestInterval;
  }
  const absl::Duration latest =
      hole ? options_.reading_interval : std::min(interval, kSlowestPace);
  pace_ = std::max({options_.reading_interval, latest, pace_ * kPaceKept});
  last_reading_ = now;
  return now;
}

void Prediction::Learn(int needed, bool hole, absl::Time now) {
  if (hole) {
    needed_ = 0;
    gaps_since_ = now;
  }
  const size_t places = std::min<size_t>(needed, kMostPlaces);
  for (size_t i = 0; i < places; ++i) {
    const int k = static_cast<int>(i) + 1;
    if (i == last_needed_.size()) {
      last_needed_.push_back(now);
      continue;
    }
    if (needed_ < k && last_needed_[i] >= gaps_since_) {
      planner_.Observe(k, now - last_needed_[i]);
    }
    last_needed_[i] = now;
  }
  needed_ = needed;
  season_.Observe(needed > 0, now);
}

int Prediction::PlannedFor(int places, absl::Duration lead, absl::Time now) {
  int planned = 0;
  for (int k = 1; k <= places; ++k) {
    const absl::Duration idle = now - last_needed_[k - 1];
    if (PlanHas(planner_.Decide(k, now).plan, idle, lead)) ++planned;
  }
  return planned;
}

std::optional<absl::Duration> Prediction::IdleTimeout(int wanted,
                                                      absl::Time now) {
  if (planner_.Known(1) < kKnownGaps) return std::nullopt;
  absl::Duration keep = planner_.Decide(1, now).plan.keep;
  if (planner_.Known(wanted + 1) >= kKnownGaps) {
    keep = std::min(keep, planner_.Decide(wanted + 1, now).plan.keep);
  }
  return keep;
}

std::string Prediction::Explained(const KeepAliveDecision& first, int planned,
                                  const std::optional<Season::Slot>& slot,
                                  int wanted, absl::Time now) const {
  std::string text = "never needed; ";
  if (!last_needed_.empty()) {
    text = absl::StrCat(
        "needed ", needed_, ", idle ", Seconds(now - last_needed_[0]),
        "; gaps: ", Explain(first), ", ", planned, " planned; ");
  }
  if (slot) {
    absl::StrAppendFormat(
        &text, "season: %s P %.2f * %.0fms > %g * %.3fGB * %.0fs; ",
        absl::FormatTime("%a %H:%M", slot->begin, options_.zone),
        slot->probability, absl::ToDoubleMilliseconds(profile_.cold_start),
        options_.price, profile_.memory_gb,
        absl::ToDoubleSeconds(slot->end - slot->begin) *
            (1 - slot->probability / 2));
  }
  absl::StrAppend(&text, wanted);
  return text;
}

}  // namespace so
