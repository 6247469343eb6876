#include "services/scaler/replay/price_tuner.h"

#include <algorithm>

#include "services/scaler/policy/cost_optimal.h"

namespace so {

std::vector<CurvePoint> ReplayCurve(const Trace& trace,
                                    const std::vector<double>& prices,
                                    const ReplayOptions& options, int threads) {
  std::vector<CurvePoint> curve;
  for (const double price : prices) {
    const CostOptimal policy({.price = price});
    curve.push_back({price, Replay(trace, policy, options, threads)});
  }
  return curve;
}

const CurvePoint& BestWithin(const std::vector<CurvePoint>& curve,
                             double budget, const ReplayResult& baseline) {
  const double limit = budget * baseline.total.idle_gb_seconds;
  const auto better = [limit](const CurvePoint& a, const CurvePoint& b) {
    const double idle_a = a.result.total.idle_gb_seconds;
    const double idle_b = b.result.total.idle_gb_seconds;
    if ((idle_a <= limit) != (idle_b <= limit)) return idle_a <= limit;
    if (idle_a > limit) return idle_a < idle_b;
    return a.result.total.cold < b.result.total.cold;
  };
  return *std::min_element(curve.begin(), curve.end(), better);
}

}  // namespace so
