#pragma once

#include <string>

#include "services/scaler/policy/keep_alive_policy.h"

namespace so {

// The hybrid histogram policy of Shahrad et al., "Serverless in the Wild"
// (USENIX ATC 2020), without its time-series forecast: starts an instance
// shortly before the 5th percentile of the gaps, keeps it until shortly after
// the 99th, and keeps it for a fixed time where the histogram says nothing. A
// baseline.
class HybridHistogram : public KeepAlivePolicy {
 public:
  struct Options {
    double prewarm_percentile = 0.05;
    double keep_percentile = 0.99;
    // Earlier and later than the percentiles, as a share of them.
    double margin = 0.1;
    // Fewer gaps than this say nothing.
    double min_gaps = 4;
    // Nor does a histogram with a larger share beyond its range,
    double max_beyond = 0.5;
    // or one whose bins differ so little: the coefficient of variation of the
    // bins' weights.
    double min_variation = 2;
    absl::Duration fallback = absl::Minutes(10);
  };

  HybridHistogram() : HybridHistogram(Options()) {}
  explicit HybridHistogram(const Options& options) : options_(options) {}

  std::string name() const override { return "hybrid"; }
  KeepAliveDecision Decide(const GapHistogram& gaps,
                           const FunctionProfile& profile) const override;
  GapHistogram::Options histogram() const override { return {.retention = 1}; }

 private:
  PlanClamp Fallback(const GapHistogram& gaps) const;
  WarmPlan PlanFor(const GapHistogram& gaps) const;

  Options options_;
};

}  // namespace so
