#include "services/scaler/replay/report.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace so {
namespace {

using Rows = std::vector<std::vector<std::string>>;

// Columns as wide as their widest cell; the first to the left, numbers to the
// right.
std::string Render(const Rows& rows) {
  std::vector<size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t i = 0; i < rows[r].size(); ++i) {
      const std::string& cell = rows[r][i];
      const std::string space(widths[i] - cell.size(), ' ');
      absl::StrAppend(&text, "| ", i == 0 ? cell : space, i == 0 ? space : cell,
                      " ");
    }
    text += "|\n";
    if (r > 0) continue;
    for (size_t i = 0; i < widths.size(); ++i) {
      absl::StrAppend(&text, "|", std::string(widths[i] + 1, '-'),
                      i == 0 ? "-" : ":");
    }
    text += "|\n";
  }
  return text;
}

double Ratio(double value, double base) { return base > 0 ? value / base : 0; }

double ColdRatio(const ReplayResult& result, const ReplayResult& baseline) {
  return Ratio(static_cast<double>(result.total.cold),
               static_cast<double>(baseline.total.cold));
}

double IdleRatio(const ReplayResult& result, const ReplayResult& baseline) {
  return Ratio(result.total.idle_gb_seconds, baseline.total.idle_gb_seconds);
}

std::string Times(double ratio) { return absl::StrFormat("%.2fx", ratio); }

std::vector<std::string> Head(const std::string& first) {
  return {first,          "cold starts",  "relative", "cold %",   "p75 cold %",
          "cold start s", "p95 added ms", "idle GBs", "relative", "busy GBs",
          "ahead",        "evictions",    "flaps"};
}

std::vector<std::string> Row(const std::string& first,
                             const ReplayResult& result,
                             const ReplayResult& baseline) {
  const FunctionResult& total = result.total;
  return {
      first,
      absl::StrCat(total.cold),
      Times(ColdRatio(result, baseline)),
      absl::StrFormat("%.3f", 100 * result.cold_share()),
      absl::StrFormat("%.2f", 100 * result.cold_share_p75),
      absl::StrFormat("%.1f", absl::ToDoubleSeconds(result.cold_latency())),
      absl::StrFormat("%.1f", absl::ToDoubleMilliseconds(result.latency_p95())),
      absl::StrFormat("%.0f", total.idle_gb_seconds),
      Times(IdleRatio(result, baseline)),
      absl::StrFormat("%.0f", total.busy_gb_seconds),
      absl::StrCat(total.started_ahead),
      absl::StrCat(total.evictions),
      absl::StrCat(total.flaps)};
}

// Where a point is in the picture; ratios of 1/16 to 16, or the border.
constexpr double kSize = 480;
constexpr double kBorder = 60;
constexpr double kDoublings = 4;

double At(double ratio) {
  const double doublings =
      std::clamp(std::log2(std::max(ratio, 1e-9)), -kDoublings, kDoublings);
  return kSize * (doublings + kDoublings) / (2 * kDoublings);
}

double X(const ReplayResult& result, const ReplayResult& baseline) {
  return kBorder + At(IdleRatio(result, baseline));
}

double Y(const ReplayResult& result, const ReplayResult& baseline) {
  return kBorder + kSize - At(ColdRatio(result, baseline));
}

std::string Escaped(const std::string& text) {
  return absl::StrReplaceAll(text,
                             {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}});
}

std::string Grid() {
  std::string svg;
  for (int doublings = -4; doublings <= 4; ++doublings) {
    const double at = At(std::exp2(doublings));
    const std::string label = doublings < 0
                                  ? absl::StrCat("1/", 1 << -doublings, "x")
                                  : absl::StrCat(1 << doublings, "x");
    const char* colour = doublings == 0 ? "#888" : "#ddd";
    absl::StrAppendFormat(
        &svg,
        "<path d=\"M%.1f %.1fv%.1fM%.1f %.1fh%.1f\" stroke=\"%s\"/>\n"
        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n"
        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
        kBorder + at, kBorder, kSize, kBorder, kBorder + kSize - at, kSize,
        colour, kBorder + at, kBorder + kSize + 16, label, kBorder - 6,
        kBorder + kSize - at + 4, label);
  }
  return svg;
}

enum class Label { kLeft, kRight };

std::string Dot(const ReplayResult& result, const ReplayResult& baseline,
                const std::string& label, Label side, const char* colour) {
  const double x = X(result, baseline);
  const double y = Y(result, baseline);
  const bool left = side == Label::kLeft;
  return absl::StrFormat(
      "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\"/>\n"
      "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n",
      x, y, colour, left ? x - 7 : x + 7, y + 4, left ? "end" : "start",
      Escaped(label));
}

}  // namespace

std::string FormatTable(const std::vector<ReplayResult>& results,
                        const ReplayResult& baseline) {
  Rows rows = {Head("policy")};
  for (const ReplayResult& result : results) {
    rows.push_back(Row(result.policy, result, baseline));
  }
  return Render(rows);
}

std::string FormatCurve(const std::vector<CurvePoint>& curve,
                        const ReplayResult& baseline) {
  Rows rows = {Head("price ms/GBs")};
  for (const CurvePoint& point : curve) {
    rows.push_back(
        Row(absl::StrFormat("%g", point.price), point.result, baseline));
  }
  return Render(rows);
}

std::string DrawTradeOff(const std::vector<CurvePoint>& curve,
                         const std::vector<ReplayResult>& results,
                         const ReplayResult& baseline) {
  const double edge = kSize + 2 * kBorder;
  std::string svg = absl::StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" "
      "height=\"%.0f\" font-family=\"sans-serif\" font-size=\"11\">\n"
      "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
      "<text x=\"%.0f\" y=\"24\" font-size=\"14\">Cold starts (up) and idle "
      "memory (right), relative to %s</text>\n",
      edge, edge, kBorder, Escaped(baseline.policy));
  svg += Grid();
  svg += "<polyline fill=\"none\" stroke=\"#06c\" points=\"";
  for (const CurvePoint& point : curve) {
    absl::StrAppendFormat(&svg, "%.1f,%.1f ", X(point.result, baseline),
                          Y(point.result, baseline));
  }
  svg += "\"/>\n";
  for (const CurvePoint& point : curve) {
    svg += Dot(point.result, baseline, absl::StrFormat("%g", point.price),
               Label::kLeft, "#06c");
  }
  for (const ReplayResult& result : results) {
    svg += Dot(result, baseline, result.policy, Label::kRight, "#c40");
  }
  return svg + "</svg>\n";
}

}  // namespace so
