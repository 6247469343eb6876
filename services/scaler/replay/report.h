#pragma once

#include <string>
#include <vector>

#include "services/scaler/replay/trace_replay.h"

namespace so {

// One policy of a trade-off curve.
struct CurvePoint {
  double price = 0;
  ReplayResult result;
};

// A table of one policy a line, for a terminal and for Markdown. Those called
// relative are ratios to `baseline`.
std::string FormatTable(const std::vector<ReplayResult>& results,
                        const ReplayResult& baseline);

// The same for a curve, its prices first.
std::string FormatCurve(const std::vector<CurvePoint>& curve,
                        const ReplayResult& baseline);

// The curve and the policies as a picture: cold starts over idle memory, both
// relative to `baseline` and on logarithmic scales. Complete SVG.
std::string DrawTradeOff(const std::vector<CurvePoint>& curve,
                         const std::vector<ReplayResult>& results,
                         const ReplayResult& baseline);

}  // namespace so
