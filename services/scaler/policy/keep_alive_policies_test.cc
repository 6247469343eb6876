#include "services/scaler/policy/keep_alive_policies.h"

#include "base/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/scaler/policy/fixed_keep_alive.h"
#include "services/scaler/policy/hybrid_histogram.h"

namespace so {
namespace {

using testing::HasSubstr;

KeepAliveDecision Decide(const std::string& name, const GapHistogram& gaps) {
  return (*ParseKeepAlivePolicy(name))->Decide(gaps, FunctionProfile());
}

TEST(KeepAlivePoliciesTest, NamesAreRead) {
  for (const char* name : {"fixed:10m", "platform", "platform-no-replace",
                           "hybrid", "optimal:0.05"}) {
    const auto policy = ParseKeepAlivePolicy(name);
    SO_ASSERT_OK(policy);
    EXPECT_EQ((*policy)->name(), name);
  }
  SO_EXPECT_OK(ParseKeepAlivePolicy("optimal"));
}

TEST(KeepAlivePoliciesTest, OtherNamesAreRefused) {
  for (const char* name :
       {"", "fixed", "fixed:", "fixed:ten", "fixed:-1m", "fixed:25h",
        "fixed:inf", "optimal:", "optimal:0", "optimal:-1", "optimal:nan",
        "optimal:inf", "hybrid:1"}) {
    const auto policy = ParseKeepAlivePolicy(name);
    EXPECT_THAT(policy, HasCode(absl::StatusCode::kInvalidArgument)) << name;
    EXPECT_THAT(policy.status().message(), HasSubstr("optimal:PRICE"));
  }
}

TEST(FixedKeepAliveTest, KeepsForItsTime) {
  const WarmPlan plan = Decide("fixed:10m", GapHistogram()).plan;
  EXPECT_EQ(plan.keep, absl::Minutes(10));
  EXPECT_FALSE(plan.has_prewarm());
}

TEST(FixedKeepAliveTest, PlatformReplacesWhatIsTooOld) {
  const WarmPlan plan = Decide("platform", GapHistogram()).plan;
  EXPECT_EQ(plan.keep, absl::Minutes(1));
  EXPECT_EQ(plan.max_age, absl::Minutes(5));
  EXPECT_TRUE(plan.replace_aged);
  EXPECT_FALSE(Decide("platform-no-replace", GapHistogram()).plan.replace_aged);
}

GapHistogram Empty() { return GapHistogram(HybridHistogram().histogram()); }

TEST(HybridHistogramTest, StartsAheadOfLongGaps) {
  GapHistogram gaps = Empty();
  for (int i = 0; i < 20; ++i) gaps.Add(absl::Minutes(100));
  const KeepAliveDecision decision = Decide("hybrid", gaps);
  EXPECT_EQ(decision.clamp, PlanClamp::kNone);
  EXPECT_EQ(decision.plan.keep, absl::ZeroDuration());
  EXPECT_NEAR(absl::ToDoubleMinutes(decision.plan.prewarm), 90, 1e-6);
  EXPECT_NEAR(absl::ToDoubleMinutes(decision.plan.prewarm_keep), 21.1, 1e-6);
}

TEST(HybridHistogramTest, KeepsThroughShortGaps) {
  GapHistogram gaps = Empty();
  for (int i = 0; i < 20; ++i) gaps.Add(absl::Seconds(30));
  const WarmPlan plan = Decide("hybrid", gaps).plan;
  EXPECT_NEAR(absl::ToDoubleSeconds(plan.keep), 66, 1e-6);
  EXPECT_FALSE(plan.has_prewarm());
}

TEST(HybridHistogramTest, FallsBackWhereTheHistogramSaysNothing) {
  GapHistogram gaps = Empty();
  gaps.Add(absl::Minutes(5));
  EXPECT_EQ(Decide("hybrid", gaps).clamp, PlanClamp::kTooFewGaps);
  EXPECT_EQ(Decide("hybrid", gaps).plan.keep, absl::Minutes(10));

  for (int i = 0; i < 9; ++i) gaps.Add(absl::Hours(9));
  EXPECT_EQ(Decide("hybrid", gaps).clamp, PlanClamp::kBeyondRange);

  GapHistogram wide = Empty();
  for (int i = 0; i < 240; ++i) wide.Add(absl::Minutes(i));
  EXPECT_EQ(Decide("hybrid", wide).clamp, PlanClamp::kTooWide);
}

}  // namespace
}  // namespace so
