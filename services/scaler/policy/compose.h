#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/scaler/policy/function_load.h"
#include "services/scaler/policy/scaling_policy.h"

namespace so {

enum class ScalingAction { kHold, kScaleUp, kScaleDown };

// "hold", "scale-up", "scale-down".
absl::string_view ToString(ScalingAction action);

// Whether what this policy wants is kept or started ahead of calls, and so
// spends the idle budget: "history", "schedules" and "prediction". Not
// "windows", which someone has asked for, nor what goes by the calls that there
// are.
bool IsAheadOfCalls(absl::string_view policy);
// Whether it goes by the calls that there are: "thresholds", "concurrency",
// "drain" and "latency".
bool IsLoadDriven(absl::string_view policy);

// What is to become of the instances of one function.
struct ScalingDecision {
  absl::Time time;
  // By the number of instances: more, fewer or as many as there are. Fewer
  // means that those beyond go when they have been idle for long enough.
  ScalingAction action = ScalingAction::kHold;
  // The policy that won; the last clamp that held, if one did; "stale" without
  // a reading; "none" without a proposal.
  std::string reason;
  // Instances, those on their way included.
  int current = 0;
  int desired = 0;
  // Of instances beyond the desired; empty: the pool's own setting.
  std::optional<absl::Duration> idle_timeout;
  std::vector<Proposal> proposals;
  // What changed the largest proposal, in order: "stale", "idle-budget",
  // "min-instances", "max-instances".
  std::vector<std::string> clamps;
  // What it was made from; without a reading, that of the decision before.
  FunctionLoad load;
};

// One line for people: action, numbers, reason, clamps, and every proposal with
// its formula.
std::string Explain(const ScalingDecision& decision);

// What bounds a composition besides the function's own bounds.
struct ComposeLimits {
  // Nothing is kept or started ahead of calls any more.
  bool budget_exhausted = false;
  // The pool's own setting.
  absl::Duration idle_timeout = absl::Seconds(60);
  // How old the reading is, and the oldest that is still believed.
  absl::Duration reading_age = absl::ZeroDuration();
  absl::Duration stale_after = absl::Seconds(10);
};

// Makes one decision of what the policies want: the largest wins, the first of
// equals. Then, in this order,
//   "idle-budget"    leaves out what is wanted ahead of calls, when the budget
//   is
//                    used up; an idle timeout wanted ahead is then not longer
//                    than the pool's own;
//   "min-instances"  and
//   "max-instances"  are the function's bounds, which always hold.
//
// The idle timeout is the shortest of those that policies have an opinion on;
// none while a policy that goes by the calls wants more than there is: then
// nothing is to go early.
//
// `load` is empty when the reading failed or did not have the function. Then,
// and when it is too old, `proposals` are not looked at: what was wanted before
// is wanted still, and of instances that were there one at least ("stale");
// only the function's bounds may change that. `previous` is the decision before
// this one; null for the first. With neither nothing is known: what is desired
// is the least that the bounds allow, and not a target to set.
//
// Pure and thread-safe.
ScalingDecision Compose(std::vector<Proposal> proposals,
                        const std::optional<FunctionLoad>& load,
                        const FunctionSpec& spec, const ComposeLimits& limits,
                        const ScalingDecision* previous, absl::Time now);

}  // namespace so
