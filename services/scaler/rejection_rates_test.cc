#include "services/scaler/rejection_rates.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using testing::DoubleEq;
using testing::Eq;
using testing::Optional;

std::optional<double> RateAfter(RejectionRates& rates, double invocations,
                                double rejected) {
  std::vector<FunctionLoad> loads(1);
  loads[0].function_id = "fn-1";
  loads[0].invocations = invocations;
  loads[0].rejected = rejected;
  rates.Update(loads);
  return loads[0].error_rate;
}

TEST(RejectionRatesTest, FirstReadingGivesNoRate) {
  RejectionRates rates;
  EXPECT_THAT(RateAfter(rates, 1000, 500), Eq(std::nullopt));
}

TEST(RejectionRatesTest, RateIsTheShareSinceThePreviousReading) {
  RejectionRates rates;
  RateAfter(rates, 1000, 500);
  EXPECT_THAT(RateAfter(rates, 1040, 510), Optional(DoubleEq(0.25)));
  EXPECT_THAT(RateAfter(rates, 1041, 510), Optional(DoubleEq(0)));
  EXPECT_THAT(RateAfter(rates, 1042, 511), Optional(DoubleEq(1)));
}

TEST(RejectionRatesTest, NoCallsGiveNoRate) {
  RejectionRates rates;
  RateAfter(rates, 10, 5);
  EXPECT_THAT(RateAfter(rates, 10, 5), Eq(std::nullopt));
}

TEST(RejectionRatesTest, RestartedRouterGivesNoRateOnce) {
  RejectionRates rates;
  RateAfter(rates, 10, 5);
  EXPECT_THAT(RateAfter(rates, 2, 1), Eq(std::nullopt));
  EXPECT_THAT(RateAfter(rates, 4, 2), Optional(DoubleEq(0.5)));
}

TEST(RejectionRatesTest, FunctionThatWentAwayIsForgotten) {
  RejectionRates rates;
  RateAfter(rates, 10, 5);
  std::vector<FunctionLoad> none;
  rates.Update(none);
  EXPECT_THAT(RateAfter(rates, 20, 15), Eq(std::nullopt));
}

}  // namespace
}  // namespace so
