#include "services/scaler/replay/arrivals.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using testing::ElementsAre;

std::vector<absl::Duration> All(const TraceFunction& function, Spread spread,
                                uint64_t seed) {
  Arrivals arrivals(function, spread, seed);
  std::vector<absl::Duration> times;
  absl::Duration time;
  while (arrivals.Next(time)) times.push_back(time);
  return times;
}

const TraceFunction kFunction = {.name = "f", .minutes = {{1, 2}, {7, 1}}};

TEST(ArrivalsTest, EvenlySpreadOverTheirMinute) {
  EXPECT_THAT(All(kFunction, Spread::kEven, 1),
              ElementsAre(absl::Seconds(75), absl::Seconds(105),
                          absl::Seconds(7 * 60 + 30)));
}

TEST(ArrivalsTest, ByChanceTheyStayInTheirMinuteAndInOrder) {
  const TraceFunction function = {.name = "f", .minutes = {{3, 1000}}};
  const auto times = All(function, Spread::kRandom, 1);
  ASSERT_EQ(times.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
  EXPECT_GE(times.front(), absl::Minutes(3));
  EXPECT_LT(times.back(), absl::Minutes(4));
  EXPECT_LT(times[250], absl::Minutes(3) + absl::Seconds(20));
  EXPECT_GT(times[750], absl::Minutes(3) + absl::Seconds(40));
}

TEST(ArrivalsTest, SeedDecides) {
  EXPECT_EQ(All(kFunction, Spread::kRandom, 1),
            All(kFunction, Spread::kRandom, 1));
  EXPECT_NE(All(kFunction, Spread::kRandom, 1),
            All(kFunction, Spread::kRandom, 2));
}

TEST(ArrivalsTest, WithoutCallsThereAreNone) {
  EXPECT_THAT(All({.name = "f"}, Spread::kRandom, 1), ElementsAre());
}

}  // namespace
}  // namespace so
