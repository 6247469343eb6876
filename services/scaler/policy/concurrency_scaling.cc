#include "services/scaler/policy/concurrency_scaling.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace so {
namespace {

// The mean since the previous reading. At the first one there is none, and what
// there is at this moment has to do.
double Concurrency(const FunctionLoad& load) {
  const bool measured = load.concurrency > 0 || load.peak_concurrency > 0;
  return measured ? load.concurrency : load.queue_depth + load.running;
}

std::string Formula(const TargetDecision& decision,
                    const ConcurrencyTarget::Options& options) {
  std::string text = absl::StrFormat(
      "over %s ceil(%.2f calls at once / %.2f) = %d, over %s ceil(%.2f / %.2f) "
      "= %d",
      absl::FormatDuration(options.stable_window), decision.stable_concurrency,
      decision.per_instance, decision.stable_wanted,
      absl::FormatDuration(options.panic_window), decision.panic_concurrency,
      decision.per_instance, decision.panic_wanted);
  absl::StrAppend(&text, decision.panicking ? ", both count (panic)" : "");
  for (size_t i = 0; i < decision.clamps.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "; " : ", ", ToString(decision.clamps[i]));
  }
  absl::StrAppend(&text, "; ", decision.desired);
  return text;
}

}  // namespace

Proposal ConcurrencyScaling::Propose(const FunctionLoad& load,
                                     const FunctionSpec& spec, absl::Time now) {
  Remember({.time = now, .concurrency = Concurrency(load)});
  Options options = options_;
  options.instance_concurrency = spec.instance_concurrency;
  options.min_instances = 0;
  options.max_instances = spec.max_instances;
  TargetDecision decision = ConcurrencyTarget(options).Desired(
      samples_, load.warm + load.busy, state_, now);
  Proposal proposal = {.policy = std::string(name()),
                       .wanted = decision.desired,
                       .formula = Formula(decision, options)};
  state_ = std::move(decision.state);
  return proposal;
}

void ConcurrencyScaling::Remember(const ConcurrencySample& sample) {
  // A hole that is longer than the window has no samples on its other side by
  // which it would be seen.
  if (!samples_.empty() &&
      sample.time - samples_.back().time > options_.stale_after) {
    state_.history_since = absl::InfiniteFuture();
  }
  const absl::Duration window =
      std::max(options_.stable_window, absl::Seconds(1));
  std::erase_if(samples_, [&](const ConcurrencySample& old) {
    return sample.time - old.time >= window;
  });
  samples_.push_back(sample);
}

}  // namespace so
