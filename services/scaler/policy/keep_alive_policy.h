#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/scaler/policy/gap_histogram.h"
#include "services/scaler/policy/warm_plan.h"

namespace so {

// What a policy must know about a function besides its gaps.
struct FunctionProfile {
  // Held by an instance, busy or idle.
  double memory_gb = 0.17;
  // What a call waits longer for when it has to start an instance.
  absl::Duration cold_start = absl::Milliseconds(6);
};

// Why a plan is not what the formula said.
enum class PlanClamp {
  kNone,
  // Raised to the shortest time that an instance is kept.
  kMinKeep,
  // Too few gaps are known; the fixed time was used.
  kTooFewGaps,
  // Too many gaps are beyond the range of the histogram; the fixed time was
  // used.
  kBeyondRange,
  // The gaps are spread so widely that they predict nothing; the fixed time was
  // used.
  kTooWide,
};

// "none", "min-keep", "too-few-gaps", "beyond-range", "too-wide".
absl::string_view ToString(PlanClamp clamp);

// A plan and how it came about.
struct KeepAliveDecision {
  // The inputs.
  FunctionProfile profile;
  // How many gaps the plan rests on, those that are half forgotten in part.
  double gaps = 0;

  // The terms of the formula; 0 with policies that have none. `cost` is
  // cold_probability * cold_start + price * expected_idle * memory_gb
  // (and the price of starting ahead), in milliseconds.
  double cold_probability = 0;
  absl::Duration expected_idle;
  double price = 0;
  double cost = 0;
  // The same for letting the instance go at once: what the plan is better than.
  double cost_of_letting_go = 0;

  PlanClamp clamp = PlanClamp::kNone;
  WarmPlan plan;
};

// One line for people: inputs, formula, clamp, result.
std::string Explain(const KeepAliveDecision& decision);

// Says how long an idle instance is worth its memory. Pure: equal arguments,
// equal decisions; thread-safe.
class KeepAlivePolicy {
 public:
  virtual ~KeepAlivePolicy() = default;

  // As ParseKeepAlivePolicy reads it.
  virtual std::string name() const = 0;

  virtual KeepAliveDecision Decide(const GapHistogram& gaps,
                                   const FunctionProfile& profile) const = 0;

  // Instances to start while others are busy; none by default.
  virtual SpareRule spare() const { return {}; }

  // The histogram that the policy wants to see.
  virtual GapHistogram::Options histogram() const { return {}; }
};

}  // namespace so
