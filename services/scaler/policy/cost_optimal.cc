#include "services/scaler/policy/cost_optimal.h"

#include <algorithm>

#include "absl/strings/str_format.h"

namespace so {
namespace {

// Bins in which an instance is there: [0, keep) and [from, to).
struct WarmBins {
  int keep = 0;
  int from = 0;
  int to = 0;
};

// What being there in each bin costs and is good for. Costs in milliseconds.
struct BinCosts {
  std::vector<double> cold;
  std::vector<double> idle;
  // Expected idle time in the bin, in bins.
  std::vector<double> idle_time;
  // Of starting an instance at the beginning of the bin: only gaps that last
  // until then cause it.
  std::vector<double> start;
};

BinCosts CostsOf(const std::vector<double>& probabilities, double cold_start_ms,
                 double idle_ms_per_bin, double start_ahead_ms) {
  BinCosts costs;
  costs.cold.reserve(probabilities.size());
  costs.idle.reserve(probabilities.size());
  costs.idle_time.reserve(probabilities.size());
  costs.start.reserve(probabilities.size());
  double still_idle = 1;
  for (const double p : probabilities) {
    // Whoever is needed within the bin was idle for half of it.
    const double time = still_idle - p / 2;
    costs.cold.push_back(p * cold_start_ms);
    costs.idle.push_back(time * idle_ms_per_bin);
    costs.idle_time.push_back(time);
    costs.start.push_back(still_idle * start_ahead_ms);
    still_idle -= p;
  }
  return costs;
}

// The costs of the bins are independent of each other, so the best plan is the
// best prefix and the best run of bins behind it: one pass from the end, which
// knows for each bin the best run that begins at it or later.
WarmBins CheapestBins(const BinCosts& costs) {
  const int bins = static_cast<int>(costs.cold.size());
  struct Run {
    double gain = 0;
    int from = 0;
    int to = 0;
  };
  // later[i]: the best run in [i, bins), none when its gain is 0.
  std::vector<Run> later(bins + 1);
  Run here;  // The best run that begins exactly at i.
  for (int i = bins - 1; i >= 0; --i) {
    const double gain = costs.cold[i] - costs.idle[i];
    here =
        here.gain > 0 ? Run{here.gain + gain, i, here.to} : Run{gain, i, i + 1};
    later[i] = later[i + 1];
    if (here.gain - costs.start[i] > later[i].gain) {
      later[i] = {here.gain - costs.start[i], here.from, here.to};
    }
  }
  WarmBins best;
  double best_gain = -1;
  double prefix = 0;
  for (int keep = 0; keep <= bins; ++keep) {
    const Run& run = later[keep];
    if (prefix + run.gain > best_gain) {
      best_gain = prefix + run.gain;
      best = {keep, run.from, run.to};
      if (run.gain <= 0) best.from = best.to = keep;
    }
    if (keep < bins) prefix += costs.cold[keep] - costs.idle[keep];
  }
  return best;
}

double Total(const std::vector<double>& values, int from, int to) {
  double total = 0;
  for (int i = from; i < to; ++i) total += values[i];
  return total;
}

}  // namespace

CostOptimal::CostOptimal(const Options& options) : options_(options) {
  const int bins = GapHistogram(options_.histogram).bins();
  double harmonic = 0;
  for (int i = 0; i < bins; ++i) harmonic += 1.0 / (i + 1);
  const double within = options_.prior_weight * (1 - options_.prior_beyond);
  for (int i = 0; i < bins; ++i) {
    prior_.push_back(within / harmonic / (i + 1));
  }
}

std::string CostOptimal::name() const {
  return absl::StrFormat("optimal:%g", options_.price);
}

KeepAliveDecision CostOptimal::Decide(const GapHistogram& gaps,
                                      const FunctionProfile& profile) const {
  const std::vector<double> probabilities = Probabilities(gaps);
  const double cold_start_ms = absl::ToDoubleMilliseconds(profile.cold_start);
  const double bin_seconds = absl::ToDoubleSeconds(gaps.bin());
  const BinCosts costs =
      CostsOf(probabilities, cold_start_ms,
              options_.price * profile.memory_gb * bin_seconds,
              options_.start_ahead * cold_start_ms);
  const WarmBins warm = CheapestBins(costs);
  const bool prewarms = warm.to > warm.from;

  KeepAliveDecision decision = {
      .profile = profile, .gaps = gaps.total(), .price = options_.price};
  const int bins = static_cast<int>(probabilities.size());
  decision.cold_probability = 1 - Total(probabilities, 0, warm.keep) -
                              Total(probabilities, warm.from, warm.to);
  const double idle_bins = Total(costs.idle_time, 0, warm.keep) +
                           Total(costs.idle_time, warm.from, warm.to);
  decision.expected_idle = idle_bins * gaps.bin();
  // Calls beyond the range are cold whatever the plan.
  const double beyond_ms = (1 - Total(probabilities, 0, bins)) * cold_start_ms;
  decision.cost_of_letting_go = Total(costs.cold, 0, bins) + beyond_ms;
  decision.cost = decision.cold_probability * cold_start_ms +
                  options_.price * profile.memory_gb *
                      absl::ToDoubleSeconds(decision.expected_idle) +
                  (prewarms ? costs.start[warm.from] : 0);

  decision.plan.keep = warm.keep * gaps.bin();
  if (decision.plan.keep < options_.min_keep) {
    decision.plan.keep = options_.min_keep;
    decision.clamp = PlanClamp::kMinKeep;
  }
  if (prewarms) {
    decision.plan.prewarm =
        std::max(warm.from * gaps.bin(), decision.plan.keep);
    decision.plan.prewarm_keep = warm.to * gaps.bin() - decision.plan.prewarm;
  }
  return decision;
}

std::vector<double> CostOptimal::Probabilities(const GapHistogram& gaps) const {
  const int bins = std::min(gaps.bins(), static_cast<int>(prior_.size()));
  // Not 0 when nothing at all is known.
  const double all = std::max(gaps.total() + options_.prior_weight, 1e-9);
  const double aside = options_.blur / 2;
  std::vector<double> probabilities(bins);
  for (int i = 0; i < bins; ++i) {
    probabilities[i] += prior_[i] / all;
    const double gap = gaps.weight(i) / all;
    if (gap == 0) continue;
    // The first and the last bin keep what would go over the edge.
    probabilities[i] += gap * (1 - options_.blur);
    probabilities[std::max(i - 1, 0)] += gap * aside;
    probabilities[std::min(i + 1, bins - 1)] += gap * aside;
  }
  return probabilities;
}

}  // namespace so
