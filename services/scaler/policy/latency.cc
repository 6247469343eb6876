#include "services/scaler/policy/latency.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_format.h"

namespace so {

LatencyScaling::LatencyScaling(const Options& options) : options_(options) {
  options_.target_response =
      std::max(options_.target_response, absl::Milliseconds(1));
  options_.refused = std::clamp(options_.refused, 0.0, 1.0);
  options_.step = std::clamp(options_.step, 0.0, 10.0);
  options_.cooldown = std::max(options_.cooldown, absl::ZeroDuration());
}

Proposal LatencyScaling::Propose(const FunctionLoad& load,
                                 const FunctionSpec& spec, absl::Time now) {
  if (load.calls > 0 && load.average_run > absl::ZeroDuration()) {
    average_run_ = load.average_run;
  }
  Proposal proposal = {.policy = std::string(name())};
  const Finding finding = Find(load);
  if (!finding.missing) {
    // The cooldown outlives the reason, so that one which comes and goes does
    // not add at every reading.
    floor_ = 0;
    proposal.formula = absl::StrFormat("%s; 0", finding.why);
    return proposal;
  }
  const bool ready = now - stepped_ >= options_.cooldown;
  if (ready) {
    const int step = std::max(
        1, static_cast<int>(std::ceil(options_.step * load.current() - 1e-9)));
    floor_ = load.current() + step;
    stepped_ = now;
  } else {
    floor_ = std::max(floor_, std::min(load.current(), spec.max_instances));
  }
  proposal.wanted = std::min(floor_, spec.max_instances);
  proposal.formula =
      absl::StrFormat("%s: %d %s, at most %d; %d", finding.why, floor_,
                      ready ? "after a step" : "until the next step",
                      spec.max_instances, proposal.wanted);
  return proposal;
}

LatencyScaling::Finding LatencyScaling::Find(const FunctionLoad& load) const {
  const double refused = load.error_rate.value_or(0);
  if (refused > options_.refused) {
    return {true, absl::StrFormat("%.1f%% refused, above %.1f%%", 100 * refused,
                                  100 * options_.refused)};
  }
  Finding finding = FindSlow(load);
  if (!finding.missing && load.failure_rate > 0) {
    absl::StrAppendFormat(&finding.why,
                          "; the function fails %.1f%% of its calls, which "
                          "instances do not change",
                          100 * load.failure_rate);
  }
  return finding;
}

LatencyScaling::Finding LatencyScaling::FindSlow(
    const FunctionLoad& load) const {
  const absl::Duration response = load.average_response;
  const std::string numbers =
      absl::StrFormat("response %s, target %s", absl::FormatDuration(response),
                      absl::FormatDuration(options_.target_response));
  if (response <= options_.target_response) return {false, numbers};
  if (average_run_ <= absl::ZeroDuration()) {
    return {false, numbers + ", but how much of it is waiting is not known"};
  }
  const absl::Duration waiting =
      std::max(response - average_run_, absl::ZeroDuration());
  if (2 * waiting < response) {
    return {false,
            absl::StrFormat("%s, but the function itself runs for %s", numbers,
                            absl::FormatDuration(average_run_))};
  }
  if (load.queue_depth <= 0) return {false, numbers + ", but no call waits"};
  return {true,
          absl::StrFormat("%s, %s of it waiting, %d wait now", numbers,
                          absl::FormatDuration(waiting), load.queue_depth)};
}

}  // namespace so
