#include "base/timer_thread.h"

#include <future>
#include <vector>

#include "base/testing/manual_clock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

TEST(TimerThreadTest, RunsCallbacksInOrderOfDueTime) {
  SystemClock clock;
  std::vector<int> order;
  std::promise<void> done;
  TimerThread timers(clock);
  timers.Schedule(absl::Milliseconds(20), [&] {
    order.push_back(2);
    done.set_value();
  });
  timers.Schedule(absl::Milliseconds(1), [&] { order.push_back(1); });
  done.get_future().wait();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(TimerThreadTest, CancelledCallbackNeverRuns) {
  SystemClock clock;
  bool ran = false;
  std::promise<void> done;
  TimerThread timers(clock);
  const TimerId id =
      timers.Schedule(absl::Milliseconds(1000), [&] { ran = true; });
  EXPECT_TRUE(timers.Cancel(id));
  EXPECT_FALSE(timers.Cancel(id));
  timers.Schedule(absl::ZeroDuration(), [&] { done.set_value(); });
  done.get_future().wait();
  EXPECT_FALSE(ran);
}

TEST(TimerThreadTest, InfiniteDelayDoesNotKeepTheDestructorWaiting) {
  SystemClock clock;
  TimerThread timers(clock);
  timers.Schedule(absl::InfiniteDuration(), [] { FAIL(); });
}

TEST(ManualClockTest, RunsWhatFallsDueAtItsDueTime) {
  ManualClock clock;
  const absl::Time start = clock.Now();
  absl::Time ran_at;
  clock.Schedule(absl::Seconds(5), [&] { ran_at = clock.Now(); });
  clock.Advance(absl::Seconds(4));
  EXPECT_EQ(ran_at, absl::Time());
  clock.Advance(absl::Seconds(4));
  EXPECT_EQ(ran_at, start + absl::Seconds(5));
  EXPECT_EQ(clock.Now(), start + absl::Seconds(8));
}

}  // namespace
}  // namespace so
