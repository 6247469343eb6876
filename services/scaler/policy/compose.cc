#include "services/scaler/policy/compose.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace so {
namespace {

constexpr absl::string_view kAheadOfCalls[] = {"history", "schedules",
                                               "prediction"};
constexpr absl::string_view kLoadDriven[] = {"thresholds", "concurrency",
                                             "drain", "latency"};

// Sets what is desired, noting the clamp when that changes it.
void Clamp(int desired, absl::string_view clamp, ScalingDecision& decision) {
  if (desired == decision.desired) return;
  decision.desired = desired;
  decision.clamps.emplace_back(clamp);
  decision.reason = std::string(clamp);
}

// The largest that counts, the first of equals; null when none does.
const Proposal* Largest(const std::vector<Proposal>& proposals,
                        bool ahead_counts) {
  const Proposal* largest = nullptr;
  for (const Proposal& proposal : proposals) {
    if (!ahead_counts && IsAheadOfCalls(proposal.policy)) continue;
    if (largest == nullptr || proposal.wanted > largest->wanted) {
      largest = &proposal;
    }
  }
  return largest;
}

void Choose(const ComposeLimits& limits, ScalingDecision& decision) {
  decision.reason = "none";
  if (const Proposal* winner = Largest(decision.proposals, true)) {
    decision.desired = std::max(winner->wanted, 0);
    decision.reason = winner->policy;
  }
  if (!limits.budget_exhausted) return;
  const Proposal* rest = Largest(decision.proposals, false);
  Clamp(rest == nullptr ? 0 : std::max(rest->wanted, 0), "idle-budget",
        decision);
}

std::optional<absl::Duration> IdleTimeout(const ComposeLimits& limits,
                                          const ScalingDecision& decision) {
  std::optional<absl::Duration> shortest;
  for (const Proposal& proposal : decision.proposals) {
    if (IsLoadDriven(proposal.policy) && proposal.wanted > decision.current) {
      return std::nullopt;
    }
    if (!proposal.idle_timeout.has_value()) continue;
    absl::Duration timeout = *proposal.idle_timeout;
    if (limits.budget_exhausted && IsAheadOfCalls(proposal.policy)) {
      timeout = std::min(timeout, limits.idle_timeout);
    }
    shortest = std::min(shortest.value_or(timeout), timeout);
  }
  return shortest;
}

// Without a reading that can be believed.
void Hold(const std::optional<FunctionLoad>& load,
          const ScalingDecision* previous, ScalingDecision& decision) {
  decision.reason = "stale";
  decision.clamps.emplace_back("stale");
  if (previous == nullptr) {
    // What there was, if even that is known.
    decision.desired = decision.current;
    return;
  }
  if (!load.has_value()) {
    decision.load = previous->load;
    decision.current = previous->current;
  }
  decision.desired = std::max(previous->desired, std::min(decision.current, 1));
  decision.idle_timeout = previous->idle_timeout;
  decision.proposals = previous->proposals;
}

void KeepBounds(const FunctionSpec& spec, ScalingDecision& decision) {
  Clamp(std::max(decision.desired, spec.min_instances), "min-instances",
        decision);
  Clamp(std::min(decision.desired, std::max(spec.max_instances, 0)),
        "max-instances", decision);
}

ScalingAction ActionOf(const ScalingDecision& decision) {
  if (decision.desired > decision.current) return ScalingAction::kScaleUp;
  if (decision.desired < decision.current) return ScalingAction::kScaleDown;
  return ScalingAction::kHold;
}

}  // namespace

absl::string_view ToString(ScalingAction action) {
  switch (action) {
    case ScalingAction::kHold:
      return "hold";
    case ScalingAction::kScaleUp:
      return "scale-up";
    case ScalingAction::kScaleDown:
      return "scale-down";
  }
  return "hold";
}

bool IsAheadOfCalls(absl::string_view policy) {
  return absl::c_linear_search(kAheadOfCalls, policy);
}

bool IsLoadDriven(absl::string_view policy) {
  return absl::c_linear_search(kLoadDriven, policy);
}

std::string Explain(const ScalingDecision& decision) {
  std::string text =
      absl::StrCat(ToString(decision.action), " ", decision.current, " -> ",
                   decision.desired, " by ", decision.reason);
  if (!decision.clamps.empty()) {
    absl::StrAppend(&text, " (", absl::StrJoin(decision.clamps, ", "), ")");
  }
  if (decision.idle_timeout.has_value()) {
    absl::StrAppend(&text, ", the rest idle for at most ",
                    absl::FormatDuration(*decision.idle_timeout));
  }
  for (const Proposal& proposal : decision.proposals) {
    absl::StrAppend(&text, " | ", proposal.policy, " ", proposal.wanted, ": ",
                    proposal.formula);
  }
  return text;
}

ScalingDecision Compose(std::vector<Proposal> proposals,
                        const std::optional<FunctionLoad>& load,
                        const FunctionSpec& spec, const ComposeLimits& limits,
                        const ScalingDecision* previous, absl::Time now) {
  ScalingDecision decision = {.time = now};
  if (load.has_value()) {
    decision.load = *load;
    decision.current = load->current();
  }
  if (!load.has_value() || limits.reading_age > limits.stale_after) {
    Hold(load, previous, decision);
    KeepBounds(spec, decision);
    // What is not known cannot be compared with.
    decision.action = ScalingAction::kHold;
    return decision;
  }
  decision.proposals = std::move(proposals);
  Choose(limits, decision);
  KeepBounds(spec, decision);
  decision.idle_timeout = IdleTimeout(limits, decision);
  decision.action = ActionOf(decision);
  return decision;
}

}  // namespace so
