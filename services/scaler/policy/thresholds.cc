#include "services/scaler/policy/thresholds.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace so {
namespace {

using Options = ThresholdScaling::Options;

// How many instances a reason asks for, those warming up included; 0 when it
// does not apply.
struct Demand {
  absl::string_view reason = "none";
  int instances = 0;
};

int QueueDemand(const FunctionLoad& load, const Options& options) {
  if (load.queue_depth <= options.queue_depth) return 0;
  // One for each threshold's worth of waiting calls, the last one begun.
  const int share = std::max(options.queue_depth, 1);
  return 1 + (load.queue_depth - 1) / share;
}

int LowWarmDemand(const FunctionLoad& load, const Options& options) {
  return load.busy > 0 ? std::max(options.min_warm - load.warm, 0) : 0;
}

int ResponseTimeDemand(const FunctionLoad& load, const Options& options) {
  const bool slow = load.average_response > options.response_time;
  return slow && load.queue_depth > 0 ? 1 : 0;
}

int ErrorRateDemand(const FunctionLoad& load, const Options& options) {
  return load.error_rate.value_or(0) > options.error_rate ? options.max_step
                                                          : 0;
}

Demand LargestDemand(const FunctionLoad& load, const Options& options) {
  Demand largest;
  for (const Demand& demand :
       {Demand{"queue-depth", QueueDemand(load, options)},
        Demand{"low-warm", LowWarmDemand(load, options)},
        Demand{"response-time", ResponseTimeDemand(load, options)},
        Demand{"error-rate", ErrorRateDemand(load, options)}}) {
    if (demand.instances > largest.instances) largest = demand;
  }
  return largest;
}

std::string Inputs(const FunctionLoad& load) {
  std::string text =
      absl::StrFormat("%d waiting, %d free, %d busy, %d warming, response %s",
                      load.queue_depth, load.warm, load.busy, load.warming,
                      absl::FormatDuration(load.average_response));
  if (load.error_rate.has_value()) {
    absl::StrAppendFormat(&text, ", %.1f%% refused", 100 * *load.error_rate);
  }
  return text;
}

}  // namespace

ThresholdScaling::ThresholdScaling(const Options& options) : options_(options) {
  options_.queue_depth = std::max(options_.queue_depth, 0);
  options_.min_warm = std::max(options_.min_warm, 0);
  options_.max_step = std::max(options_.max_step, 1);
}

Proposal ThresholdScaling::Propose(const FunctionLoad& load,
                                   const FunctionSpec& spec, absl::Time now) {
  // Readings at that interval are now and then a little early.
  constexpr double kOnTime = 0.95;
  if (now - decided_ >= kOnTime * options_.interval) {
    decided_ = now;
    proposal_ = Decide(load, spec);
  }
  return proposal_;
}

Proposal ThresholdScaling::Decide(const FunctionLoad& load,
                                  const FunctionSpec& spec) const {
  Proposal proposal = {.policy = std::string(name())};
  const int current = load.current();
  Demand demand;
  if (current > 0 || load.queue_depth > 0) {
    demand = LargestDemand(load, options_);
  }
  if (demand.instances == 0) {
    proposal.formula = absl::StrCat(Inputs(load), ": within the thresholds; 0");
    return proposal;
  }
  const int step =
      std::clamp(demand.instances - load.warming, 0, options_.max_step);
  proposal.wanted = std::min(current + step, spec.max_instances);
  proposal.formula = absl::StrFormat("%s: %s, %d + %d, at most %d; %d",
                                     Inputs(load), demand.reason, current, step,
                                     spec.max_instances, proposal.wanted);
  return proposal;
}

}  // namespace so
