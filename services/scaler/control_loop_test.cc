#include "services/scaler/control_loop.h"

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/testing/status_matchers.h"
#include "base/timer_thread.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/scaler/testing/scaler_fixture.h"

namespace so {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr absl::Duration kInterval = absl::Seconds(5);

class ControlLoopTest : public testing::Test {
 protected:
  ControlLoopTest() {
    for (const char* id : {"fn-1", "fn-2"}) on_.AddFunction(id);
  }

  ScalerFixture on_;
  ControlLoop loop_{on_.options({"thresholds"}), on_.dependencies()};
};

TEST_F(ControlLoopTest, EvaluatesAtTheInterval) {
  loop_.Start();
  on_.clock.Advance(kInterval - absl::Milliseconds(1));
  EXPECT_EQ(on_.source.readings, 0);
  on_.clock.Advance(absl::Milliseconds(1));
  EXPECT_EQ(on_.source.readings, 1);
  on_.clock.Advance(3 * kInterval);
  EXPECT_EQ(on_.source.readings, 4);
  const ControlLoop::Status status = loop_.GetStatus();
  EXPECT_EQ(status.evaluations, 4);
  EXPECT_EQ(status.failed_evaluations, 0);
  EXPECT_EQ(status.last_evaluation, on_.clock.WallNow());
  EXPECT_EQ(status.interval, kInterval);
  EXPECT_THAT(status.policies, ElementsAre("thresholds"));
}

TEST_F(ControlLoopTest, TellsThePoolsWhereAPolicyWantsMore) {
  on_.source.loads = {Waiting("fn-1", 0), Waiting("fn-2", 15)};
  loop_.Start();
  on_.clock.Advance(kInterval);
  ASSERT_THAT(on_.sink.targets, SizeIs(1));
  const Target& target = on_.sink.targets[0];
  EXPECT_EQ(target.function_id, "fn-2");
  EXPECT_EQ(target.desired, 5);
  EXPECT_EQ(target.ttl, 5 * kInterval);
  EXPECT_EQ(target.reason, "thresholds");
  EXPECT_THAT(target.by_pool, ElementsAre(3));
  ASSERT_THAT(on_.memory.decisions, SizeIs(1));
  const auto& decision = on_.memory.decisions[0];
  EXPECT_TRUE(decision.applied());
  EXPECT_EQ(decision.action(), "scale-up");
  EXPECT_EQ(decision.reason(), "thresholds");
  EXPECT_EQ(decision.decided_by(), "scaler");
  ASSERT_EQ(decision.proposals_size(), 1);
  EXPECT_THAT(decision.proposals(0).formula(), testing::Not(IsEmpty()));
  EXPECT_THAT(loop_.GetStatus().recent, SizeIs(1));
}

TEST_F(ControlLoopTest, RepeatsATargetBeforeItRunsOutAndRecordsItOnce) {
  on_.source.loads = {Waiting("fn-1", 15)};
  loop_.Start();
  on_.clock.Advance(kInterval);
  ASSERT_THAT(on_.sink.targets, SizeIs(1));
  // There are five now, as wanted.
  on_.source.loads[0].warm = 4;
  on_.source.loads[0].queue_depth = 0;
  on_.clock.Advance(20 * kInterval);
  // Less is wanted; that is told, and nothing more is to be repeated.
  ASSERT_THAT(on_.sink.targets, SizeIs(testing::Ge(2)));
  EXPECT_EQ(on_.sink.targets[1].desired, 0);
  EXPECT_THAT(on_.memory.decisions, SizeIs(2));
  EXPECT_EQ(on_.memory.decisions[1].action(), "scale-down");
}

TEST_F(ControlLoopTest, RefusedTargetIsRememberedAsNotApplied) {
  on_.source.loads = {Waiting("fn-1", 15)};
  on_.sink.status = absl::NotFoundError("gone");
  loop_.Start();
  on_.clock.Advance(kInterval);
  ASSERT_THAT(on_.memory.decisions, SizeIs(1));
  EXPECT_FALSE(on_.memory.decisions[0].applied());
}

TEST_F(ControlLoopTest, FailedReadingDecidesNothingAndTheLoopGoesOn) {
  on_.source.status = absl::UnavailableError("router is away");
  on_.source.loads = {Waiting("fn-1", 15)};
  loop_.Start();
  on_.clock.Advance(3 * kInterval);
  EXPECT_THAT(on_.sink.targets, IsEmpty());
  EXPECT_EQ(loop_.GetStatus().evaluations, 3);
  EXPECT_EQ(loop_.GetStatus().failed_evaluations, 3);

  on_.source.status = absl::OkStatus();
  on_.clock.Advance(kInterval);
  EXPECT_THAT(on_.sink.targets, SizeIs(1));
  EXPECT_EQ(loop_.GetStatus().failed_evaluations, 3);
}

TEST_F(ControlLoopTest, RefusedCallsCountFromTheSecondReadingOn) {
  FunctionLoad load = Waiting("fn-1", 0);
  load.invocations = 200;
  load.rejected = 100;
  on_.source.loads = {load};
  loop_.Start();
  on_.clock.Advance(kInterval);
  EXPECT_THAT(on_.sink.targets, IsEmpty());

  load.invocations = 210;
  load.rejected = 110;
  on_.source.loads = {load};
  on_.clock.Advance(kInterval);
  ASSERT_THAT(on_.memory.decisions, SizeIs(1));
  EXPECT_EQ(on_.memory.decisions[0].error_rate(), 1.0);
}

TEST_F(ControlLoopTest, FunctionThatTheRegistryDoesNotKnowIsLeftAlone) {
  on_.source.loads = {Waiting("fn-9", 15)};
  loop_.Start();
  on_.clock.Advance(kInterval);
  EXPECT_THAT(on_.sink.targets, IsEmpty());
}

TEST_F(ControlLoopTest, FunctionMaySayItsOwnPolicies) {
  serverless::function::v1::Function function = *on_.directory.Find("fn-1");
  function.mutable_scaling()->add_policies("windows");
  on_.directory.Put(function);
  on_.source.loads = {Waiting("fn-1", 15), Waiting("fn-2", 15)};
  loop_.Start();
  on_.clock.Advance(kInterval);
  ASSERT_THAT(on_.sink.targets, SizeIs(1));
  EXPECT_EQ(on_.sink.targets[0].function_id, "fn-2");
}

TEST_F(ControlLoopTest, SlowReadingIsNotOvertaken) {
  on_.source.hold = true;
  loop_.Start();
  on_.clock.Advance(4 * kInterval);
  EXPECT_EQ(on_.source.readings, 1);
  on_.source.hold = false;
  on_.source.Answer();
  // It is overdue.
  on_.clock.Advance(absl::ZeroDuration());
  EXPECT_EQ(on_.source.readings, 2);
}

TEST_F(ControlLoopTest, NextEvaluationWaitsForAllTargets) {
  on_.source.loads = {Waiting("fn-1", 15), Waiting("fn-2", 15)};
  on_.sink.hold = true;
  loop_.Start();
  on_.clock.Advance(2 * kInterval);
  EXPECT_EQ(on_.source.readings, 1);
  EXPECT_THAT(loop_.GetStatus().recent, IsEmpty());
  on_.sink.AnswerAll();
  EXPECT_THAT(loop_.GetStatus().recent, SizeIs(2));
  on_.clock.Advance(absl::ZeroDuration());
  EXPECT_EQ(on_.source.readings, 2);
  on_.sink.AnswerAll();
}

TEST_F(ControlLoopTest, RemembersTheLatestDecisionsNewestFirst) {
  loop_.Start();
  for (int i = 0; i < 150; ++i) {
    const std::string id = absl::StrCat("fn-x", i);
    on_.AddFunction(id);
    on_.source.loads = {Waiting(id, 15)};
    on_.clock.Advance(kInterval);
  }
  const ControlLoop::Status status = loop_.GetStatus();
  ASSERT_THAT(status.recent, SizeIs(100));
  EXPECT_EQ(status.recent.front().function_id(), "fn-x149");
  EXPECT_EQ(status.recent.back().function_id(), "fn-x50");
}

TEST_F(ControlLoopTest, SavesWhatItLearnsNowAndThenAndAtTheEnd) {
  on_.source.loads = {Waiting("fn-1", 0)};
  loop_.Start();
  on_.clock.Advance(absl::Minutes(2));
  EXPECT_EQ(on_.memory.saves, 2);
  loop_.Stop();
  EXPECT_EQ(on_.memory.saves, 3);
  ASSERT_THAT(on_.memory.learned, SizeIs(1));
  EXPECT_EQ(on_.memory.learned[0].function_id(), "fn-1");
}

TEST_F(ControlLoopTest, FunctionsThatNobodyCallsAreSavedAtTheEndOnly) {
  FunctionLoad unused;
  unused.function_id = "fn-2";
  on_.source.loads = {Waiting("fn-1", 0), unused};
  loop_.Start();
  on_.clock.Advance(absl::Minutes(1));
  ASSERT_THAT(on_.memory.learned, SizeIs(1));
  EXPECT_EQ(on_.memory.learned[0].function_id(), "fn-1");
  loop_.Stop();
  EXPECT_THAT(on_.memory.learned, SizeIs(2));
}

TEST_F(ControlLoopTest, ForgetsADeletedFunction) {
  on_.source.loads = {Waiting("fn-1", 0)};
  loop_.Start();
  on_.clock.Advance(kInterval);
  on_.directory.Delete("fn-1");
  on_.clock.Advance(kInterval);
  EXPECT_THAT(on_.memory.forgotten, ElementsAre("fn-1"));
  EXPECT_THAT(loop_.GetWarming("fn-1"), HasCode(absl::StatusCode::kNotFound));
}

TEST_F(ControlLoopTest, SaysWhatWarmingCosts) {
  FunctionLoad load = Waiting("fn-1", 0);
  on_.source.loads = {load};
  loop_.Start();
  EXPECT_THAT(loop_.GetWarming("fn-1"), HasCode(absl::StatusCode::kNotFound));
  on_.clock.Advance(kInterval);
  on_.source.loads[0].idle_gb_seconds = 12;
  on_.source.loads[0].cold_starts = 2;
  on_.clock.Advance(kInterval);
  loop_.NoteEnd("fn-1", absl::Seconds(60), 0.5);
  const auto warming = loop_.GetWarming("fn-1");
  SO_ASSERT_OK(warming);
  EXPECT_EQ(warming->idle_gb_seconds(), 12);
  EXPECT_EQ(warming->idle_gb_seconds_today(), 12);
  EXPECT_EQ(warming->cold_starts(), 2);
  EXPECT_EQ(warming->wasted_gb_seconds(), 30);
  EXPECT_EQ(warming->prediction(), "shadow");
  EXPECT_EQ(warming->reason(), "off");
}

TEST(ControlLoopWarmingTest, NextCallOfAScheduleIsExpected) {
  ScalerFixture on;
  on.AddFunction("fn-1");
  serverless::function::v1::Function function = *on.directory.Find("fn-1");
  auto& trigger = *function.add_triggers();
  trigger.set_type("schedule");
  (*trigger.mutable_config()->mutable_fields())["cron"].set_string_value(
      "0 6 * * *");
  on.directory.Put(function);
  ControlLoop loop(on.options({"schedules"}), on.dependencies());
  loop.Start();
  on.source.loads = {Waiting("fn-1", 0)};
  on.clock.Advance(kInterval);
  const auto warming = loop.GetWarming("fn-1");
  SO_ASSERT_OK(warming);
  EXPECT_EQ(warming->next_expected_by(), "schedule");
  // Six in the morning of the day that the clock begins with.
  EXPECT_EQ(
      absl::FromUnixSeconds(warming->next_expected().seconds()),
      absl::FromCivil(absl::CivilHour(2026, 1, 1, 6), absl::UTCTimeZone()));
}

TEST_F(ControlLoopTest, StopEndsTheLoop) {
  loop_.Start();
  on_.clock.Advance(kInterval);
  loop_.Stop();
  EXPECT_EQ(on_.clock.pending(), 0u);
  on_.clock.Advance(10 * kInterval);
  EXPECT_EQ(on_.source.readings, 1);
  loop_.Stop();
}

// What was learned before a restart decides at once after it.
TEST(ControlLoopRestartTest, GoesOnWithWhatWasLearned) {
  std::vector<ControlLoop::LearnedFunction> learned;
  for (const bool restarted : {false, true}) {
    ScalerFixture on;
    on.AddFunction("fn-1");
    ControlLoop loop(on.options({"thresholds"}), on.dependencies());
    loop.Restore(learned);
    loop.Start();
    on.source.loads = {Waiting("fn-1", 0)};
    on.clock.Advance(kInterval);
    on.source.loads[0].invocations = 7;
    on.clock.Advance(kInterval);
    EXPECT_EQ(loop.GetWarming("fn-1")->invocations(), restarted ? 14 : 7);
    loop.Stop();
    learned = on.memory.learned;
  }
}

TEST(ControlLoopThreadsTest, StopWaitsForTheEvaluationInProgress) {
  const SystemClock clock;
  // Answers each reading on a thread of its own.
  class SlowSource final : public LoadSource {
   public:
    void Read(Done done) override {
      thread_ = std::jthread([done = std::move(done)]() mutable {
        done(LoadReading{.router_id = "r", .loads = {Waiting("fn-1", 15)}});
      });
    }

   private:
    std::jthread thread_;
  };
  ScalerFixture on;
  on.AddFunction("fn-1");
  SlowSource source;
  TimerThread timers(clock);
  ControlLoop::Options options = on.options({"thresholds"});
  options.scaling.interval = absl::Microseconds(100);
  {
    ControlLoop loop(options, {.source = source,
                               .sink = on.sink,
                               .directory = on.directory,
                               .memory = on.memory,
                               .clock = clock,
                               .timers = timers});
    loop.Start();
    while (loop.GetStatus().evaluations < 20) std::this_thread::yield();
  }
  EXPECT_THAT(on.sink.targets, SizeIs(testing::Ge(1)));
}

}  // namespace
}  // namespace so
