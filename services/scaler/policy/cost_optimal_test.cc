#include "services/scaler/policy/cost_optimal.h"

#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using testing::HasSubstr;

const FunctionProfile kProfile = {.memory_gb = 0.2,
                                  .cold_start = absl::Milliseconds(6)};

GapHistogram Gaps(absl::Duration gap, int count) {
  GapHistogram gaps;
  for (int i = 0; i < count; ++i) gaps.Add(gap);
  return gaps;
}

WarmPlan PlanFor(const GapHistogram& gaps, double price = 0.02) {
  return CostOptimal({.price = price}).Decide(gaps, kProfile).plan;
}

// The formula, by hand: what any plan costs with these gaps, without the prior.
double CostOf(const WarmPlan& plan, const std::vector<absl::Duration>& gaps,
              double price) {
  double cost = 0;
  for (const absl::Duration gap : gaps) {
    if (!plan.WarmAfter(gap)) cost += 6;
    cost += price * 0.2 * absl::ToDoubleSeconds(plan.WarmTime(gap));
    if (plan.has_prewarm() && gap >= plan.prewarm) cost += 0.6;
  }
  return cost / static_cast<double>(gaps.size());
}

TEST(CostOptimalTest, ShortGapsAreBridged) {
  const WarmPlan plan = PlanFor(Gaps(absl::Minutes(4), 50));
  EXPECT_TRUE(plan.WarmAfter(absl::Minutes(4)));
  EXPECT_LE(plan.keep, absl::Minutes(10));
}

TEST(CostOptimalTest, LongRegularGapsAreMetByStartingAhead) {
  const WarmPlan plan = PlanFor(Gaps(absl::Minutes(90), 50));
  EXPECT_LT(plan.keep, absl::Minutes(10));
  EXPECT_TRUE(plan.WarmAfter(absl::Minutes(90)));
  EXPECT_LE(plan.prewarm_keep, absl::Minutes(5));
}

TEST(CostOptimalTest, NothingIsStartedForGapsBeyondTheRange) {
  const WarmPlan plan = PlanFor(Gaps(absl::Hours(10), 50));
  EXPECT_FALSE(plan.has_prewarm());
  EXPECT_LE(plan.keep, absl::Minutes(1));
}

TEST(CostOptimalTest, UnknownFunctionIsKeptByThePrior) {
  const WarmPlan plan = PlanFor(GapHistogram());
  EXPECT_GE(plan.keep, absl::Minutes(2));
  EXPECT_LE(plan.keep, absl::Hours(1));
  EXPECT_FALSE(plan.has_prewarm());
}

TEST(CostOptimalTest, FollowsAFunctionThatChangesItsWays) {
  GapHistogram gaps = Gaps(absl::Minutes(90), 200);
  EXPECT_FALSE(PlanFor(gaps).WarmAfter(absl::Minutes(3)));
  for (int i = 0; i < 20; ++i) gaps.Add(absl::Minutes(3));
  EXPECT_TRUE(PlanFor(gaps).WarmAfter(absl::Minutes(3)));
}

TEST(CostOptimalTest, DearerMemoryNeverKeepsLonger) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 50; ++round) {
    GapHistogram gaps;
    for (int i = 0; i < 30; ++i) gaps.Add(absl::Seconds(random() % 15000));
    double idle = 1e9;
    double cold = -1;
    for (double price = 0.001; price < 1; price *= 1.5) {
      const KeepAliveDecision decision =
          CostOptimal({.price = price, .start_ahead = 0})
              .Decide(gaps, kProfile);
      const double seconds = absl::ToDoubleSeconds(decision.expected_idle);
      EXPECT_LE(seconds, idle + 1e-6);
      EXPECT_GE(decision.cold_probability, cold - 1e-9);
      idle = seconds;
      cold = decision.cold_probability;
    }
  }
}

TEST(CostOptimalTest, NoOtherPlanIsCheaper) {
  constexpr double kPrice = 0.02;
  std::mt19937_64 random(3);
  for (int round = 0; round < 20; ++round) {
    // In the middle of bins, where the formula is exact.
    std::vector<absl::Duration> list;
    const GapHistogram::Options histogram = {.bins = 20, .retention = 1};
    GapHistogram gaps(histogram);
    for (int i = 0; i < 10; ++i) {
      list.push_back(absl::Seconds(60 * (random() % 20) + 30));
      gaps.Add(list.back());
    }
    const CostOptimal policy({.price = kPrice,
                              .prior_weight = 0,
                              .blur = 0,
                              .start_ahead = 0.1,
                              .min_keep = absl::ZeroDuration(),
                              .histogram = histogram});
    const KeepAliveDecision decision = policy.Decide(gaps, kProfile);
    const double cost = CostOf(decision.plan, list, kPrice);
    EXPECT_NEAR(cost, decision.cost, 1e-9) << Explain(decision);
    for (int keep = 0; keep <= 20; ++keep) {
      const absl::Duration kept = absl::Minutes(keep);
      ASSERT_LE(cost, CostOf({.keep = kept}, list, kPrice) + 1e-9);
      for (int from = keep + 1; from < 20; ++from) {
        for (int to = from + 1; to <= 20; ++to) {
          const WarmPlan other = {.keep = kept,
                                  .prewarm = absl::Minutes(from),
                                  .prewarm_keep = absl::Minutes(to - from)};
          ASSERT_LE(cost, CostOf(other, list, kPrice) + 1e-9);
        }
      }
    }
  }
}

TEST(CostOptimalTest, BetterThanLettingGo) {
  const KeepAliveDecision decision =
      CostOptimal().Decide(Gaps(absl::Minutes(4), 50), kProfile);
  EXPECT_LT(decision.cost, decision.cost_of_letting_go);
  EXPECT_LT(decision.cold_probability, 0.1);
  EXPECT_NEAR(decision.gaps, 50 * 0.64, 2);
}

TEST(CostOptimalTest, LargeInstancesAreKeptShorter) {
  FunctionProfile large = kProfile;
  large.memory_gb = 10;
  const CostOptimal policy;
  EXPECT_LT(policy.Decide(GapHistogram(), large).plan.keep,
            policy.Decide(GapHistogram(), kProfile).plan.keep);
}

TEST(CostOptimalTest, NothingIsKeptShorterThanTheLeast) {
  FunctionProfile huge = kProfile;
  huge.memory_gb = 1e6;
  const KeepAliveDecision decision = CostOptimal().Decide(GapHistogram(), huge);
  EXPECT_EQ(decision.plan.keep, absl::Seconds(5));
  EXPECT_EQ(decision.clamp, PlanClamp::kMinKeep);
}

TEST(CostOptimalTest, ColdStartsForFreeAreNotAvoided) {
  const KeepAliveDecision decision = CostOptimal().Decide(
      Gaps(absl::Minutes(4), 50),
      {.memory_gb = 0.2, .cold_start = absl::ZeroDuration()});
  EXPECT_EQ(decision.plan.keep, absl::Seconds(5));
  EXPECT_FALSE(decision.plan.has_prewarm());
}

TEST(CostOptimalTest, ExplainsItself) {
  const std::string text =
      Explain(CostOptimal({.price = 0.02})
                  .Decide(Gaps(absl::Minutes(90), 50), kProfile));
  EXPECT_THAT(text, HasSubstr("cold start 6.0 ms"));
  EXPECT_THAT(text, HasSubstr("* 6.0 ms + 0.02 ms/GBs *"));
  EXPECT_THAT(text, HasSubstr("start again after"));
}

}  // namespace
}  // namespace so
