#include "services/scaler/control_loop.h"

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/testing/manual_clock.h"
#include "base/testing/status_matchers.h"
#include "base/timer_thread.h"
#include "services/scaler/testing/fake_load.h"

namespace so {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr absl::Duration kInterval = absl::Seconds(5);

FunctionLoad Waiting(const std::string& id, int queue_depth) {
  FunctionLoad load;
  load.function_id = id;
  load.function_name = absl::StrCat("name-of-", id);
  load.queue_depth = queue_depth;
  load.warm = 2;
  load.busy = 1;
  return load;
}

class ControlLoopTest : public testing::Test {
 protected:
  ControlLoop::Options options_ = {.interval = kInterval};
  ManualClock clock_;
  FakeLoadSource source_;
  FakeTargetSink sink_;
  ControlLoop loop_{options_, {source_, sink_, clock_, clock_}};
};

TEST_F(ControlLoopTest, EvaluatesAtTheInterval) {
  loop_.Start();
  clock_.Advance(kInterval - absl::Milliseconds(1));
  EXPECT_EQ(source_.readings, 0);
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(source_.readings, 1);
  clock_.Advance(3 * kInterval);
  EXPECT_EQ(source_.readings, 4);
  const ControlLoop::Status status = loop_.GetStatus();
  EXPECT_EQ(status.evaluations, 4);
  EXPECT_EQ(status.failed_evaluations, 0);
  EXPECT_EQ(status.last_evaluation, clock_.WallNow());
  EXPECT_EQ(status.interval, kInterval);
}

TEST_F(ControlLoopTest, SetsATargetForThreeIntervalsWhereThePolicySaysSo) {
  source_.loads = {Waiting("fn-1", 0), Waiting("fn-2", 15)};
  loop_.Start();
  clock_.Advance(kInterval);
  ASSERT_THAT(sink_.targets, SizeIs(1));
  EXPECT_EQ(sink_.targets[0].function_id, "fn-2");
  EXPECT_EQ(sink_.targets[0].desired, 5);
  EXPECT_EQ(sink_.targets[0].ttl, 3 * kInterval);

  const ControlLoop::Status status = loop_.GetStatus();
  ASSERT_THAT(status.recent, SizeIs(1));
  EXPECT_TRUE(status.recent[0].applied);
  EXPECT_EQ(status.recent[0].decision.reason, "thresholds");
  EXPECT_EQ(status.recent[0].decision.time, clock_.WallNow());
}

TEST_F(ControlLoopTest, RefusedTargetIsRememberedAsNotApplied) {
  source_.loads = {Waiting("fn-1", 15)};
  sink_.status = absl::NotFoundError("gone");
  loop_.Start();
  clock_.Advance(kInterval);
  ASSERT_THAT(loop_.GetStatus().recent, SizeIs(1));
  EXPECT_FALSE(loop_.GetStatus().recent[0].applied);
}

TEST_F(ControlLoopTest, FailedReadingDecidesNothingAndTheLoopGoesOn) {
  source_.loads = absl::UnavailableError("router is away");
  loop_.Start();
  clock_.Advance(3 * kInterval);
  EXPECT_THAT(sink_.targets, IsEmpty());
  EXPECT_EQ(loop_.GetStatus().evaluations, 3);
  EXPECT_EQ(loop_.GetStatus().failed_evaluations, 3);

  source_.loads = {Waiting("fn-1", 15)};
  clock_.Advance(kInterval);
  EXPECT_THAT(sink_.targets, SizeIs(1));
  EXPECT_EQ(loop_.GetStatus().failed_evaluations, 3);
}

TEST_F(ControlLoopTest, RefusedCallsCountFromTheSecondReadingOn) {
  FunctionLoad load = Waiting("fn-1", 0);
  load.invocations = 200;
  load.rejected = 100;
  source_.loads = {load};
  loop_.Start();
  clock_.Advance(kInterval);
  EXPECT_THAT(sink_.targets, IsEmpty());

  load.invocations = 210;
  load.rejected = 110;
  source_.loads = {load};
  clock_.Advance(kInterval);
  ASSERT_THAT(loop_.GetStatus().recent, SizeIs(1));
  const ScalingDecision decision = loop_.GetStatus().recent[0].decision;
  EXPECT_EQ(decision.reason, "thresholds");
  EXPECT_EQ(decision.load.error_rate, 1.0);
}

TEST_F(ControlLoopTest, SlowReadingIsNotOvertaken) {
  source_.hold = true;
  loop_.Start();
  clock_.Advance(4 * kInterval);
  EXPECT_EQ(source_.readings, 1);
  source_.hold = false;
  source_.Answer();
  // It is overdue.
  clock_.Advance(absl::ZeroDuration());
  EXPECT_EQ(source_.readings, 2);
}

TEST_F(ControlLoopTest, NextEvaluationWaitsForAllTargets) {
  source_.loads = {Waiting("fn-1", 15), Waiting("fn-2", 15)};
  sink_.hold = true;
  loop_.Start();
  clock_.Advance(2 * kInterval);
  EXPECT_EQ(source_.readings, 1);
  EXPECT_THAT(loop_.GetStatus().recent, IsEmpty());
  sink_.AnswerAll();
  EXPECT_THAT(loop_.GetStatus().recent, SizeIs(2));
  clock_.Advance(absl::ZeroDuration());
  EXPECT_EQ(source_.readings, 2);
  sink_.AnswerAll();
}

TEST_F(ControlLoopTest, RemembersTheLatestDecisionsNewestFirst) {
  loop_.Start();
  for (int i = 0; i < 150; ++i) {
    source_.loads = {Waiting(absl::StrCat("fn-", i), 15)};
    clock_.Advance(kInterval);
  }
  const ControlLoop::Status status = loop_.GetStatus();
  ASSERT_THAT(status.recent, SizeIs(100));
  EXPECT_EQ(status.recent.front().decision.load.function_id, "fn-149");
  EXPECT_EQ(status.recent.back().decision.load.function_id, "fn-50");
}

TEST_F(ControlLoopTest, StopEndsTheLoop) {
  loop_.Start();
  clock_.Advance(kInterval);
  loop_.Stop();
  EXPECT_EQ(clock_.pending(), 0u);
  clock_.Advance(10 * kInterval);
  EXPECT_EQ(source_.readings, 1);
  loop_.Stop();
}

TEST(ControlLoopThreadsTest, StopWaitsForTheEvaluationInProgress) {
  const SystemClock clock;
  // Answers each reading on a thread of its own.
  class SlowSource final : public LoadSource {
   public:
    void Read(Done done) override {
      thread_ = std::jthread([done = std::move(done)]() mutable {
        done(std::vector<FunctionLoad>{Waiting("fn-1", 15)});
      });
    }

   private:
    std::jthread thread_;
  };
  SlowSource source;
  FakeTargetSink sink;
  TimerThread timers(clock);
  {
    ControlLoop loop({.interval = absl::Microseconds(100)},
                     {source, sink, clock, timers});
    loop.Start();
    while (loop.GetStatus().evaluations < 20) std::this_thread::yield();
  }
  EXPECT_GE(sink.targets.size(), 20u);
}

}  // namespace
}  // namespace so
