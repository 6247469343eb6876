#include "services/scaler/policy/keep_alive_policy.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace so {
namespace {

std::string Describe(const WarmPlan& plan) {
  std::string text = absl::StrCat("keep ", absl::FormatDuration(plan.keep));
  if (plan.has_prewarm()) {
    absl::StrAppend(&text, ", start again after ",
                    absl::FormatDuration(plan.prewarm), " for ",
                    absl::FormatDuration(plan.prewarm_keep));
  }
  return text;
}

}  // namespace

absl::string_view ToString(PlanClamp clamp) {
  switch (clamp) {
    case PlanClamp::kNone:
      return "none";
    case PlanClamp::kMinKeep:
      return "min-keep";
    case PlanClamp::kTooFewGaps:
      return "too-few-gaps";
    case PlanClamp::kBeyondRange:
      return "beyond-range";
    case PlanClamp::kTooWide:
      return "too-wide";
  }
  return "none";
}

std::string Explain(const KeepAliveDecision& decision) {
  const FunctionProfile& profile = decision.profile;
  std::string text = absl::StrFormat(
      "%.1f gaps, %.3f GB, cold start %.1f ms", decision.gaps,
      profile.memory_gb, absl::ToDoubleMilliseconds(profile.cold_start));
  if (decision.price > 0) {
    absl::StrAppendFormat(
        &text,
        ": %.3f * %.1f ms + %g ms/GBs * %.1f s * %.3f GB = %.3f ms "
        "(letting go: %.3f ms)",
        decision.cold_probability,
        absl::ToDoubleMilliseconds(profile.cold_start), decision.price,
        absl::ToDoubleSeconds(decision.expected_idle), profile.memory_gb,
        decision.cost, decision.cost_of_letting_go);
  }
  absl::StrAppend(&text, "; clamp ", ToString(decision.clamp), "; ",
                  Describe(decision.plan));
  return text;
}

}  // namespace so
