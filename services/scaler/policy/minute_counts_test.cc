#include "services/scaler/policy/minute_counts.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

FunctionLoad Calls(double calls, absl::Duration run = absl::Milliseconds(20)) {
  FunctionLoad load;
  load.calls = calls;
  load.average_run = run;
  return load;
}

TEST(MinuteCountsTest, CountsByMinute) {
  MinuteCounts counts;
  const absl::Time start = absl::FromUnixSeconds(600);
  counts.Observe(Calls(2), start);
  counts.Observe(Calls(3), start + absl::Seconds(59));
  counts.Observe(Calls(1, absl::Milliseconds(80)), start + absl::Seconds(130));
  EXPECT_EQ(counts.first(), 10);
  EXPECT_THAT(counts.calls(), ElementsAre(5, 0, 1));
  EXPECT_EQ(counts.average_run(), absl::Milliseconds(30));
}

TEST(MinuteCountsTest, KeepsADay) {
  MinuteCounts counts;
  for (int minute = 0; minute < 2000; ++minute) {
    counts.Observe(Calls(1), absl::FromUnixSeconds(60 * minute));
  }
  EXPECT_EQ(counts.calls().size(), 1440u);
  EXPECT_EQ(counts.first(), 560);
  counts.Observe(Calls(1), absl::FromUnixSeconds(60 * 100000));
  EXPECT_THAT(counts.calls(), ElementsAre(1));
  EXPECT_EQ(counts.first(), 100000);
}

TEST(MinuteCountsTest, GoesOnFromAnEarlierLife) {
  MinuteCounts counts;
  counts.Restore(10, {4, 0}, absl::Milliseconds(80));
  EXPECT_EQ(counts.average_run(), absl::Milliseconds(20));
  counts.Observe(Calls(1), absl::FromUnixSeconds(600 + 120));
  EXPECT_THAT(counts.calls(), ElementsAre(4, 0, 1));
}

TEST(MinuteCountsTest, NonsenseIsNotRestored) {
  MinuteCounts counts;
  counts.Restore(10, {4, -1}, absl::ZeroDuration());
  EXPECT_THAT(counts.calls(), IsEmpty());
}

}  // namespace
}  // namespace so
