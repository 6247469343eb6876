#include "services/pool/event_log.h"

#include <string>

#include "base/testing/manual_clock.h"
#include "base/testing/status_matchers.h"

namespace so {
namespace {

using serverless::pool::v1::PoolEvent;
using testing::SizeIs;

PoolEvent Event(const std::string& detail) {
  PoolEvent event;
  event.set_detail(detail);
  return event;
}

TEST(EventLogTest, NumbersAndStampsEvents) {
  ManualClock clock;
  EventLog log("pool-1", clock);
  log.Add(Event("one"));
  clock.Advance(absl::Milliseconds(1500));
  log.Add(Event("two"));
  const auto all = log.After(0);
  EXPECT_EQ(all.pool_id(), "pool-1");
  ASSERT_THAT(all.events(), SizeIs(2));
  EXPECT_EQ(all.events(0).sequence(), 1);
  EXPECT_EQ(all.events(1).sequence(), 2);
  EXPECT_EQ(all.events(1).time().seconds() - all.events(0).time().seconds(), 1);
  EXPECT_EQ(all.events(1).time().nanos(), 500'000'000);
}

TEST(EventLogTest, TellsOnlyWhatIsNew) {
  ManualClock clock;
  EventLog log("pool-1", clock);
  EXPECT_THAT(log.After(0).events(), SizeIs(0));
  for (int i = 0; i < 3; ++i) log.Add(Event("x"));
  ASSERT_THAT(log.After(2).events(), SizeIs(1));
  EXPECT_EQ(log.After(2).events(0).sequence(), 3);
  EXPECT_THAT(log.After(3).events(), SizeIs(0));
  EXPECT_THAT(log.After(1'000'000).events(), SizeIs(0));
}

TEST(EventLogTest, ForgetsTheOldestAndAnswersInPieces) {
  ManualClock clock;
  EventLog log("pool-1", clock);
  for (int i = 0; i < 2500; ++i) log.Add(Event("x"));
  int64_t after = 0;
  int64_t listed = 0;
  for (;;) {
    const auto piece = log.After(after);
    if (piece.events().empty()) break;
    EXPECT_LE(piece.events_size(), 500);
    EXPECT_EQ(piece.events(0).sequence(), after == 0 ? 501 : after + 1);
    listed += piece.events_size();
    after = piece.events().rbegin()->sequence();
  }
  EXPECT_EQ(listed, 2000);
  EXPECT_EQ(after, 2500);
}

TEST(EventLogTest, CutsLongDetailsBetweenCharacters) {
  ManualClock clock;
  EventLog log("pool-1", clock);
  std::string text(255, 'x');
  text += "\u00e9 and more";  // Its first byte would be the 256th.
  log.Add(Event(text));
  EXPECT_EQ(log.After(0).events(0).detail(), std::string(255, 'x'));
}

TEST(EventLogTest, WordsHaveUnits) {
  EXPECT_EQ(InWords(absl::ZeroDuration()), "0 ms");
  EXPECT_EQ(InWords(absl::Milliseconds(350)), "350 ms");
  EXPECT_EQ(InWords(absl::Milliseconds(61349)), "61.3 s");
  EXPECT_EQ(InWords(absl::Minutes(1)), "60 s");
  EXPECT_EQ(InWords(absl::Hours(24)), "86400 s");
  EXPECT_EQ(StayInWords(1), "1 instance stays");
  EXPECT_EQ(StayInWords(0), "0 instances stay");
}

}  // namespace
}  // namespace so
