#pragma once

#include <string>
#include <vector>

#include "services/scaler/policy/keep_alive_policy.h"

namespace so {

// Weighs for each function what its cold starts cost against what its idle
// instances cost, and takes the plan whose expected cost is least:
//
//   P(cold) * cold_start + price * E[idle] * memory + (a start ahead)
//
// The probabilities are those of the histogram, mixed with a prior in which a
// gap of g minutes has a probability in proportion to 1/g: it stands for
// functions of which little is known, and gets lighter with every gap.
class CostOptimal : public KeepAlivePolicy {
 public:
  struct Options {
    // What keeping one GB for one second may cost, in milliseconds of waiting
    // saved: the lambda of the formula. More of it means shorter times.
    double price = 0.02;
    // The prior weighs as much as this many gaps.
    double prior_weight = 1;
    // The share of the prior that is beyond the range: never called again.
    double prior_beyond = 0.2;
    // Part of a gap's weight that goes to the two bins beside it, half to each:
    // what happens every hour does not happen on the second.
    double blur = 0.2;
    // What starting an instance ahead costs, as a share of a cold start: nobody
    // waits for it, but the processor works. Counted when the gap lasts so
    // long.
    double start_ahead = 0.02;
    // Nothing is let go sooner: what the next seconds bring is in no bin.
    absl::Duration min_keep = absl::Seconds(5);
    GapHistogram::Options histogram;
  };

  CostOptimal() : CostOptimal(Options()) {}
  explicit CostOptimal(const Options& options);

  // "optimal:PRICE".
  std::string name() const override;
  // The gaps are in a histogram as histogram() wants it.
  KeepAliveDecision Decide(const GapHistogram& gaps,
                           const FunctionProfile& profile) const override;
  GapHistogram::Options histogram() const override {
    return options_.histogram;
  }

 private:
  // The probability of each bin; what is missing to 1 is beyond the range.
  std::vector<double> Probabilities(const GapHistogram& gaps) const;

  Options options_;
  // The weight of the prior in each bin.
  std::vector<double> prior_;
};

}  // namespace so
