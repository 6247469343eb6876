#include "services/scaler/policy/concurrency_scaling.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using testing::HasSubstr;

constexpr absl::Duration kTick = absl::Seconds(2);

class ConcurrencyScalingTest : public testing::Test {
 protected:
  // As many readings as fill the time; the instances follow what is wanted.
  Proposal Run(double concurrency, absl::Duration time) {
    Proposal proposal;
    for (absl::Duration t; t < time; t += kTick) {
      load_.concurrency = concurrency;
      load_.peak_concurrency = static_cast<int>(concurrency) + 1;
      proposal = policy_.Propose(load_, spec_, now_);
      load_.warm = proposal.wanted;
      now_ += kTick;
    }
    return proposal;
  }

  absl::Time now_ = absl::FromUnixSeconds(1767225600);
  FunctionSpec spec_ = {.max_instances = 100};
  FunctionLoad load_;
  ConcurrencyScaling policy_;
};

TEST_F(ConcurrencyScalingTest, WantsInstancesUsedToTheTarget) {
  const Proposal proposal = Run(7, absl::Minutes(5));
  EXPECT_EQ(proposal.policy, "concurrency");
  EXPECT_EQ(proposal.wanted, 10);
  EXPECT_THAT(proposal.formula,
              HasSubstr("over 1m ceil(7.00 calls at once / 0.70) = 10"));
  EXPECT_FALSE(proposal.idle_timeout.has_value());
}

TEST_F(ConcurrencyScalingTest, TakesTheFunctionsNumbers) {
  spec_.instance_concurrency = 10;
  EXPECT_EQ(Run(70, absl::Minutes(5)).wanted, 10);
  spec_.max_instances = 4;
  const Proposal proposal = Run(70, kTick);
  EXPECT_EQ(proposal.wanted, 4);
  EXPECT_THAT(proposal.formula, HasSubstr("max-instances; 4"));
}

TEST_F(ConcurrencyScalingTest, MinimumIsNotItsBusiness) {
  spec_.min_instances = 3;
  EXPECT_EQ(Run(0, absl::Minutes(5)).wanted, 0);
}

TEST_F(ConcurrencyScalingTest, FirstReadingCountsWhatIsThere) {
  load_.queue_depth = 4;
  load_.running = 3;
  load_.busy = 3;
  EXPECT_EQ(policy_.Propose(load_, spec_, now_).wanted, 10);
}

TEST_F(ConcurrencyScalingTest, BurstIsSeenByTheShortWindow) {
  Run(1.4, absl::Minutes(5));
  const Proposal proposal = Run(14, absl::Seconds(6));
  EXPECT_EQ(proposal.wanted, 20);
  EXPECT_THAT(proposal.formula, HasSubstr("panic"));
}

TEST_F(ConcurrencyScalingTest, ForgetsWhatIsOlderThanTheWindow) {
  Run(14, absl::Minutes(5));
  EXPECT_EQ(Run(0, absl::Minutes(5)).wanted, 0);
}

TEST_F(ConcurrencyScalingTest, HoleInTheReadingsShrinksNothing) {
  EXPECT_EQ(Run(14, absl::Minutes(5)).wanted, 20);
  now_ += absl::Minutes(10);
  EXPECT_EQ(Run(0, absl::Seconds(58)).wanted, 20);
}

}  // namespace
}  // namespace so
