#include "services/scaler/replay/report.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/scaler/replay/price_tuner.h"

namespace so {
namespace {

using testing::HasSubstr;

ReplayResult Result(const std::string& policy, uint64_t cold, double idle) {
  return {.policy = policy,
          .total = {.calls = 1000,
                    .cold = cold,
                    .idle_gb_seconds = idle,
                    .busy_gb_seconds = 40},
          .cold_start = absl::Milliseconds(6),
          .functions = 1};
}

const ReplayResult kFixed = Result("fixed:10m", 100, 5000);

TEST(ReportTest, TableIsRelativeToTheBaseline) {
  EXPECT_EQ(
      FormatTable({kFixed, Result("hybrid", 40, 4000)}, kFixed),
      "| policy    | cold starts | relative | cold % | p75 cold % | cold start "
      "s | p95 added ms | idle GBs | relative | busy GBs | ahead | evictions | "
      "flaps |\n"
      "|-----------|------------:|---------:|-------:|-----------:|-----------"
      "--:|-------------:|---------:|---------:|---------:|------:|----------:|"
      "------:|\n"
      "| fixed:10m |         100 |    1.00x | 10.000 |       0.00 |          "
      "0.6 |          6.0 |     5000 |    1.00x |       40 |     0 |         0 "
      "| "
      "    0 |\n"
      "| hybrid    |          40 |    0.40x |  4.000 |       0.00 |          "
      "0.2 |          0.0 |     4000 |    0.80x |       40 |     0 |         0 "
      "| "
      "    0 |\n");
}

TEST(ReportTest, NothingToCompareWithIsNoDivisionByZero) {
  const ReplayResult nothing = Result("fixed:0", 0, 0);
  EXPECT_THAT(FormatTable({nothing}, nothing), HasSubstr("0.00x"));
  EXPECT_THAT(DrawTradeOff({}, {nothing}, nothing), HasSubstr("</svg>"));
}

TEST(ReportTest, CurveHasAPriceALine) {
  EXPECT_THAT(FormatCurve({{0.02, Result("optimal:0.02", 40, 4000)}}, kFixed),
              HasSubstr("| 0.02         |          40 |    0.40x |"));
}

TEST(ReportTest, PictureHasEveryPoint) {
  const std::string svg =
      DrawTradeOff({{0.02, Result("optimal:0.02", 50, 2500)}},
                   {kFixed, Result("a<b", 200, 20000)}, kFixed);
  // The middle is 1x, 1x; each doubling is 60 further.
  EXPECT_THAT(svg, HasSubstr("cx=\"300.0\" cy=\"300.0\""));
  EXPECT_THAT(svg, HasSubstr("cx=\"240.0\" cy=\"360.0\""));
  EXPECT_THAT(svg, HasSubstr("cx=\"420.0\" cy=\"240.0\""));
  EXPECT_THAT(svg, HasSubstr(">a&lt;b</text>"));
}

TEST(PriceTunerTest, FewestColdStartsWithinTheBudget) {
  const std::vector<CurvePoint> curve = {{0.01, Result("", 30, 6000)},
                                         {0.02, Result("", 40, 4500)},
                                         {0.03, Result("", 60, 3000)}};
  EXPECT_EQ(BestWithin(curve, 1.3, kFixed).price, 0.01);
  EXPECT_EQ(BestWithin(curve, 0.9, kFixed).price, 0.02);
  EXPECT_EQ(BestWithin(curve, 0.7, kFixed).price, 0.03);
  EXPECT_EQ(BestWithin(curve, 0.1, kFixed).price, 0.03);
}

TEST(PriceTunerTest, CurveFallsInIdleAsThePriceRises) {
  Trace trace = {.minutes = 480};
  for (int i = 0; i < 20; ++i) {
    TraceFunction function = {.name = "f" + std::to_string(i),
                              .memory_gb = 0.2};
    for (int m = i; m < 480; m += 3 + 5 * i) function.minutes.push_back({m, 1});
    trace.functions.push_back(function);
  }
  const auto curve = ReplayCurve(trace, {0.001, 0.02, 0.5}, {}, 1);
  ASSERT_EQ(curve.size(), 3u);
  EXPECT_GT(curve[0].result.total.idle_gb_seconds,
            curve[1].result.total.idle_gb_seconds);
  EXPECT_GT(curve[1].result.total.idle_gb_seconds,
            curve[2].result.total.idle_gb_seconds);
  EXPECT_LT(curve[0].result.total.cold, curve[2].result.total.cold);
}

}  // namespace
}  // namespace so
