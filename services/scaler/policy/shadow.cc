#include "services/scaler/policy/shadow.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "services/scaler/policy/instances_needed.h"
#include "services/scaler/policy/season.h"

namespace so {
namespace {

constexpr double kProvingNeeds = 10;
constexpr absl::Duration kProvingTime = absl::Hours(1);
// What counts weigh once the function was needed again.
constexpr double kRetention = 0.98;
constexpr size_t kMostPlaces = 1000;
constexpr double kMostCount = 1e18;
// The share of a budget below which it counts as free again.
constexpr double kBudgetFree = 0.8;

void Scale(Shadow::Counts& counts, double factor) {
  counts.predicted_cold_starts *= factor;
  counts.predicted_idle_gb_seconds *= factor;
  counts.fixed_cold_starts *= factor;
  counts.fixed_idle_gb_seconds *= factor;
}

bool IsCount(double value) {
  return std::isfinite(value) && value >= 0 && value <= kMostCount;
}

bool AreCounts(const Shadow::Counts& counts) {
  return IsCount(counts.predicted_cold_starts) &&
         IsCount(counts.predicted_idle_gb_seconds) &&
         IsCount(counts.fixed_cold_starts) &&
         IsCount(counts.fixed_idle_gb_seconds) && IsCount(counts.needs) &&
         counts.watched >= absl::ZeroDuration() &&
         counts.watched < absl::InfiniteDuration();
}

}  // namespace

absl::string_view ToString(PredictionMode mode) {
  switch (mode) {
    case PredictionMode::kProving:
      return "proving";
    case PredictionMode::kProven:
      return "proven";
    case PredictionMode::kNoGain:
      return "no-gain";
    case PredictionMode::kOverBudget:
      return "over-budget";
  }
  return "unknown";
}

void Shadow::Observe(const FunctionLoad& load, const FunctionSpec& spec,
                     const Proposal& proposal, absl::Time now) {
  const absl::Duration interval = now - last_reading_;
  const bool first = last_reading_ == absl::InfinitePast();
  const bool back = interval < -Season::kLongestInterval;
  if (interval < absl::ZeroDuration() && !back) now = last_reading_;
  const bool hole = interval > Season::kLongestInterval || back;
  cold_start_ = spec.cold_start;
  const int needed = InstancesNeeded(load, spec, !hole || first);
  if (hole) {
    if (!first) predicted_.places.clear();
    if (!first) fixed_.places.clear();
    if (back) last_needed_.clear();
    needed_ = 0;
  } else {
    Compare(needed, spec, now);
  }
  Use(predicted_, needed, now);
  Use(fixed_, needed, now);
  NoteNeeded(needed, now);
  const int least = std::max(spec.min_instances, 0);
  const int most = static_cast<int>(kMostPlaces);
  predicted_.keep = proposal.idle_timeout.value_or(options_.fixed_keep);
  fixed_.keep = options_.fixed_keep;
  Want(predicted_, std::clamp(proposal.wanted, std::min(least, most), most),
       spec.cold_start, now);
  Want(fixed_, std::min(least, most), spec.cold_start, now);
  last_reading_ = now;
}

PredictionMode Shadow::Decide(double idle_budget, double spent) {
  over_budget_ =
      idle_budget > 0 &&
      spent >= (over_budget_ ? kBudgetFree * idle_budget : idle_budget);
  const bool proving =
      counts_.needs < kProvingNeeds || counts_.watched < kProvingTime;
  gains_ = !proving &&
           (gains_ ? Gains(0.97, 1.25, 1.05, 1.0) : Gains(0.9, 1.0, 1.0, 0.9));
  if (over_budget_) return PredictionMode::kOverBudget;
  if (proving) return PredictionMode::kProving;
  return gains_ ? PredictionMode::kProven : PredictionMode::kNoGain;
}

bool Shadow::Restore(const Counts& counts, std::vector<absl::Time> last_needed,
                     absl::Time now) {
  if (!AreCounts(counts) || last_needed.size() > kMostPlaces) return false;
  absl::Time before = now;
  for (const absl::Time time : last_needed) {
    if (time > before || time == absl::InfinitePast()) return false;
    before = time;
  }
  counts_ = recent_ = counts;
  const double weigh = 1 / (1 - kRetention);
  if (counts.needs > weigh) Scale(recent_, weigh / counts.needs);
  for (const absl::Time time : last_needed) {
    if (now - time > options_.fixed_keep) break;
    predicted_.places.push_back({time, time});
    fixed_.places.push_back({time, time});
  }
  last_needed_ = std::move(last_needed);
  return true;
}

// What stands idle, what goes, and what was not there when it was needed.
Shadow::Outcome Shadow::Live(Pool& pool, int needed, absl::Time from,
                             absl::Time now) {
  Outcome outcome;
  int there = 0;
  std::vector<Place> left;
  for (size_t i = 0; i < pool.places.size(); ++i) {
    const Place& place = pool.places[i];
    const absl::Time gone = static_cast<int>(i) < pool.wanted
                                ? absl::InfiniteFuture()
                                : place.idle_since + pool.keep;
    const bool used =
        static_cast<int>(i) < needed && place.ready <= now && gone >= now;
    if (used || gone >= now) {
      left.push_back(place);
      if (place.ready <= now) ++there;
    }
    if (!used)
      outcome.idle +=
          std::max(std::min(gone, now) - from, absl::ZeroDuration());
  }
  pool.places = std::move(left);
  outcome.missing = std::max(needed - there, 0);
  return outcome;
}

void Shadow::Use(Pool& pool, int needed, absl::Time now) {
  const size_t busy = std::min<size_t>(needed, kMostPlaces);
  if (pool.places.size() < busy) pool.places.resize(busy);
  for (size_t i = 0; i < busy; ++i) pool.places[i] = {now, now};
}

void Shadow::Want(Pool& pool, int wanted, absl::Duration cold_start,
                  absl::Time now) {
  pool.wanted = wanted;
  while (static_cast<int>(pool.places.size()) < wanted) {
    pool.places.push_back({now + cold_start, now});
  }
  std::stable_sort(pool.places.begin(), pool.places.end(),
                   [](const Place& a, const Place& b) {
                     return a.idle_since > b.idle_since;
                   });
}

void Shadow::Compare(int needed, const FunctionSpec& spec, absl::Time now) {
  if (needed_ == 0 && needed > 0) {
    ++counts_.needs;
    Scale(recent_, kRetention);
  }
  const Outcome predicted = Live(predicted_, needed, last_reading_, now);
  const Outcome fixed = Live(fixed_, needed, last_reading_, now);
  for (Counts* counts : {&counts_, &recent_}) {
    counts->predicted_cold_starts += predicted.missing;
    counts->predicted_idle_gb_seconds +=
        absl::ToDoubleSeconds(predicted.idle) * spec.memory_gb;
    counts->fixed_cold_starts += fixed.missing;
    counts->fixed_idle_gb_seconds +=
        absl::ToDoubleSeconds(fixed.idle) * spec.memory_gb;
  }
  counts_.watched += now - last_reading_;
}

void Shadow::NoteNeeded(int needed, absl::Time now) {
  const size_t busy = std::min<size_t>(needed, kMostPlaces);
  if (last_needed_.size() < busy) last_needed_.resize(busy);
  std::fill_n(last_needed_.begin(), busy, now);
  needed_ = needed;
}

bool Shadow::Gains(double cold, double memory, double cold_if_cheaper,
                   double memory_if_cheaper) const {
  const Counts& r = recent_;
  const double avoided = r.fixed_cold_starts - r.predicted_cold_starts;
  const double worth =
      options_.price <= 0
          ? kMostCount
          : avoided * absl::ToDoubleMilliseconds(cold_start_) / options_.price;
  const double most =
      std::max(2 * r.fixed_idle_gb_seconds, r.fixed_idle_gb_seconds + worth);
  const bool fewer = avoided > 0 &&
                     r.predicted_cold_starts <= cold * r.fixed_cold_starts &&
                     r.predicted_idle_gb_seconds <= memory * most;
  const bool cheaper =
      r.predicted_cold_starts <= cold_if_cheaper * r.fixed_cold_starts &&
      r.predicted_idle_gb_seconds < memory_if_cheaper * r.fixed_idle_gb_seconds;
  return fewer || cheaper;
}

}  // namespace so
