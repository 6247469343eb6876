#pragma once

#include <vector>

#include "services/scaler/replay/report.h"
#include "services/scaler/replay/trace.h"

namespace so {

// The policy `optimal` at each of the prices.
std::vector<CurvePoint> ReplayCurve(const Trace& trace,
                                    const std::vector<double>& prices,
                                    const ReplayOptions& options, int threads);

// The point with the fewest cold starts among those whose idle memory is at
// most `budget` times that of `baseline`; when there is none, the one with the
// least idle memory. `curve` is not empty.
const CurvePoint& BestWithin(const std::vector<CurvePoint>& curve,
                             double budget, const ReplayResult& baseline);

}  // namespace so
