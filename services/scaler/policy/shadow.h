#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/scaler/policy/function_load.h"
#include "services/scaler/policy/scaling_policy.h"

namespace so {

// Whether prediction is to decide for a function, and why.
enum class PredictionMode {
  // Too little is known: fewer than 10 times needed, or less than an hour.
  kProving,
  // It gains: it decides.
  kProven,
  kNoGain,
  // Instances kept or started ahead have spent what they may.
  kOverBudget,
};

// "proving", "proven", "no-gain", "over-budget".
absl::string_view ToString(PredictionMode mode);

// What prediction would do for one function, compared with what the platform
// does by itself: two virtual pools live through the same readings, one that
// has what prediction wants and lets the rest go as it says, and one that keeps
// what was needed for 60 s. Both keep min_instances.
//
// In each, counted are the times that an instance was missing, and the idle
// time. An instance that was needed in the time between two readings counts as
// busy for that time, in both pools. A hole in the readings counts for nothing.
//
// Prediction gains when, weighing the latest fifty or so needs most,
//
//   its cold starts are at most 0.9 times those of the fixed keep-alive, and
//   its idle memory at most the larger of
//     twice that of the fixed one, and
//     that of the fixed one + cold starts avoided * cold_start / price,
//
// the latter being what the avoided cold starts are worth by the rule that
// plans are made by; or when it has no more cold starts, and at most 0.9 times
// the idle memory. Once it has gained it goes on until that is missed by far:
// 0.97 times the cold starts and 1.25 times the memory of the first rule; 1.05
// times the cold starts and as much memory of the second. A budget that was
// spent is heeded until a fifth of it is free again.
//
// Pure apart from what it remembers; not thread-safe.
class Shadow {
 public:
  struct Options {
    // What the platform does by itself.
    absl::Duration fixed_keep = absl::Seconds(60);
    // As CostOptimal::Options::price.
    double price = 0.02;
  };

  struct Counts {
    double predicted_cold_starts = 0;
    double predicted_idle_gb_seconds = 0;
    double fixed_cold_starts = 0;
    double fixed_idle_gb_seconds = 0;
    // How often the function was needed after a time in which it was not, and
    // for how long it was watched.
    double needs = 0;
    absl::Duration watched;
  };

  Shadow() : Shadow(Options()) {}
  explicit Shadow(const Options& options) : options_(options) {}

  // A reading, and what prediction proposed for it. Times as for
  // Prediction::Propose.
  void Observe(const FunctionLoad& load, const FunctionSpec& spec,
               const Proposal& proposal, absl::Time now);

  // `idle_budget`: GB-seconds that may be spent in 24 hours, 0 for no limit;
  // `spent`: what instances kept or started ahead really have.
  PredictionMode Decide(double idle_budget, double spent);

  // Since the beginning.
  const Counts& counts() const { return counts_; }
  // When k instances were last needed, the k-th at k - 1.
  const std::vector<absl::Time>& last_needed() const { return last_needed_; }
  // To be called before the first reading. False, and nothing changes, when
  // they cannot be: counts negative or not finite; times as for
  // Prediction::RestoreLastNeeded.
  bool Restore(const Counts& counts, std::vector<absl::Time> last_needed,
               absl::Time now);

 private:
  struct Place {
    // From when on it takes calls, and since when it has had none.
    absl::Time ready;
    absl::Time idle_since;
  };
  struct Pool {
    // What was used or started last comes first.
    std::vector<Place> places;
    // So many stay, those beyond for `keep`.
    int wanted = 0;
    absl::Duration keep;
  };
  // What one pool did in the time between two readings.
  struct Outcome {
    int missing = 0;
    absl::Duration idle;
  };

  static Outcome Live(Pool& pool, int needed, absl::Time from, absl::Time now);
  static void Use(Pool& pool, int needed, absl::Time now);
  static void Want(Pool& pool, int wanted, absl::Duration cold_start,
                   absl::Time now);
  void Compare(int needed, const FunctionSpec& spec, absl::Time now);
  void NoteNeeded(int needed, absl::Time now);
  bool Gains(double cold, double memory, double cold_if_cheaper,
             double memory_if_cheaper) const;

  const Options options_;
  Pool predicted_;
  Pool fixed_;
  Counts counts_;
  // The same with the older ones weighing less.
  Counts recent_;
  std::vector<absl::Time> last_needed_;
  absl::Time last_reading_ = absl::InfinitePast();
  int needed_ = 0;
  absl::Duration cold_start_;
  bool gains_ = false;
  bool over_budget_ = false;
};

}  // namespace so
