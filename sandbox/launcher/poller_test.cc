#include "sandbox/launcher/poller.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "base/testing/manual_clock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

class PollerTest : public testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_NONBLOCK), 0);
    reader_.Reset(ends[0]);
    writer_.Reset(ends[1]);
  }
  void Write() { ASSERT_EQ(write(writer_.get(), "x", 1), 1); }

  ManualClock clock_;
  Poller poller_{clock_};
  UniqueFd reader_, writer_;
};

TEST_F(PollerTest, ReadyDescriptorIsReported) {
  uint32_t seen = 0;
  const auto watch = poller_.WatchFd(reader_.get(), EPOLLIN,
                                     [&](uint32_t events) { seen = events; });
  poller_.RunOnce(absl::ZeroDuration());
  EXPECT_EQ(seen, 0u);
  Write();
  poller_.RunOnce(absl::ZeroDuration());
  EXPECT_EQ(seen, static_cast<uint32_t>(EPOLLIN));
}

TEST_F(PollerTest, WatchMayEndItself) {
  int calls = 0;
  std::unique_ptr<Poller::Watch> watch;
  watch = poller_.WatchFd(reader_.get(), EPOLLIN, [&](uint32_t) {
    watch.reset();
    ++calls;
  });
  Write();
  poller_.RunOnce(absl::ZeroDuration());
  poller_.RunOnce(absl::ZeroDuration());
  EXPECT_EQ(calls, 1);
}

TEST_F(PollerTest, WatchMayEndAnotherThatIsReadyToo) {
  int calls = 0;
  std::unique_ptr<Poller::Watch> one, other;
  one = poller_.WatchFd(reader_.get(), EPOLLIN, [&](uint32_t) {
    other.reset();
    ++calls;
  });
  other = poller_.WatchFd(writer_.get(), EPOLLOUT, [&](uint32_t) {
    one.reset();
    ++calls;
  });
  Write();
  poller_.RunOnce(absl::ZeroDuration());
  EXPECT_EQ(calls, 1);
}

TEST_F(PollerTest, TimersRunWhenTheyAreDueInTheirOrder) {
  std::string order;
  poller_.Schedule(absl::Seconds(2), [&] { order += "b"; });
  poller_.Schedule(absl::Seconds(1), [&] { order += "a"; });
  const TimerId cancelled =
      poller_.Schedule(absl::Seconds(1), [&] { order += "x"; });
  EXPECT_TRUE(poller_.Cancel(cancelled));
  EXPECT_FALSE(poller_.Cancel(cancelled));
  poller_.RunOnce(absl::ZeroDuration());
  EXPECT_EQ(order, "");
  clock_.Advance(absl::Seconds(3));
  poller_.RunOnce(absl::ZeroDuration());
  EXPECT_EQ(order, "ab");
}

}  // namespace
}  // namespace so
