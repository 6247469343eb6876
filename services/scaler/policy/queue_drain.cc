#include "services/scaler/policy/queue_drain.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_format.h"

namespace so {

QueueDrain::QueueDrain(const Options& options) : options_(options) {
  options_.target_wait = std::max(options_.target_wait, absl::Milliseconds(1));
  options_.most_unknown = std::max(options_.most_unknown, 1);
}

Proposal QueueDrain::Propose(const FunctionLoad& load, const FunctionSpec& spec,
                             absl::Time) {
  if (load.calls > 0 && load.average_run > absl::ZeroDuration()) {
    average_run_ = load.average_run;
  }
  Proposal proposal = {.policy = std::string(name())};
  if (load.queue_depth <= 0) {
    proposal.formula = "no call waits; 0";
    return proposal;
  }
  const int at_once = std::max(spec.instance_concurrency, 1);
  const int needed = Needed(load.queue_depth, at_once);
  proposal.wanted = std::min(load.busy + needed, spec.max_instances);
  const std::string terms =
      average_run_ > absl::ZeroDuration()
          ? absl::StrFormat("ceil(%d waiting * %s / (%s * %d))",
                            load.queue_depth,
                            absl::FormatDuration(average_run_),
                            absl::FormatDuration(options_.target_wait), at_once)
          : absl::StrFormat("ceil(%d waiting / %d), run time unknown,",
                            load.queue_depth, at_once);
  proposal.formula =
      absl::StrFormat("%d busy + %s = %d, at most %d; %d", load.busy, terms,
                      load.busy + needed, spec.max_instances, proposal.wanted);
  return proposal;
}

int QueueDrain::Needed(int waiting, int at_once) const {
  if (average_run_ <= absl::ZeroDuration()) {
    return std::min(1 + (waiting - 1) / at_once, options_.most_unknown);
  }
  const double work =
      waiting * absl::FDivDuration(average_run_, options_.target_wait);
  // Rounding up must not see the last digits.
  const double needed = std::ceil(work / at_once - 1e-9);
  return static_cast<int>(std::clamp<double>(needed, 1, waiting));
}

}  // namespace so
