#include "services/scaler/policy/warming_ledger.h"

#include "gtest/gtest.h"

namespace so {
namespace {

FunctionLoad Counted(double invocations, double cold, double idle) {
  FunctionLoad load;
  load.invocations = invocations;
  load.cold_starts = cold;
  load.idle_gb_seconds = idle;
  return load;
}

TEST(WarmingLedgerTest, CountsFromTheFirstReadingOn) {
  WarmingLedger ledger;
  ledger.Observe(Counted(100, 10, 50), absl::UnixEpoch());
  EXPECT_EQ(ledger.totals().invocations, 0);
  ledger.Observe(Counted(130, 11, 58), absl::UnixEpoch());
  EXPECT_EQ(ledger.totals().invocations, 30);
  EXPECT_EQ(ledger.totals().cold_starts, 1);
  EXPECT_EQ(ledger.totals().idle, 8);
  EXPECT_EQ(ledger.latest_idle(), 8);
}

TEST(WarmingLedgerTest, CounterThatFellBeganAnew) {
  WarmingLedger ledger;
  ledger.Observe(Counted(100, 10, 50), absl::UnixEpoch());
  ledger.Observe(Counted(4, 1, 2), absl::UnixEpoch());
  EXPECT_EQ(ledger.totals().invocations, 4);
  EXPECT_EQ(ledger.totals().idle, 2);
}

TEST(WarmingLedgerTest, WasteIsWhatFollowedTheLastCall) {
  WarmingLedger ledger;
  ledger.NoteEnd(absl::Seconds(60), 0.5);
  ledger.NoteEnd(-absl::Seconds(60), 0.5);
  EXPECT_EQ(ledger.totals().wasted, 30);
}

TEST(WarmingLedgerTest, GoesOnFromAnEarlierLife) {
  WarmingLedger ledger;
  ledger.Restore({.invocations = 7, .wasted = 3}, 2);
  ledger.Observe(Counted(100, 0, 0), absl::UnixEpoch());
  ledger.Observe(Counted(101, 0, 0), absl::UnixEpoch());
  EXPECT_EQ(ledger.totals().invocations, 8);
  EXPECT_EQ(ledger.totals().wasted, 3);
  EXPECT_EQ(ledger.flaps().total(), 2);
}

}  // namespace
}  // namespace so
