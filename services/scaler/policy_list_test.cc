#include "services/scaler/policy_list.h"

#include "base/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(PolicyListTest, ReadsNamesInTheirOrder) {
  const auto list = ParsePolicyList("drain, concurrency,prediction");
  SO_ASSERT_OK(list);
  EXPECT_THAT(*list, ElementsAre("drain", "concurrency", "prediction"));
  EXPECT_THAT(*ParsePolicyList(""), IsEmpty());
}

TEST(PolicyListTest, NamesWhatIsWrong) {
  EXPECT_THAT(std::string(ParsePolicyList("drain,magic").status().message()),
              testing::AllOf(HasSubstr("\"magic\""), HasSubstr("thresholds")));
  EXPECT_THAT(std::string(ParsePolicyList("drain,drain").status().message()),
              HasSubstr("twice"));
}

TEST(PolicyListTest, MakesEachPolicyButThoseThatAlwaysLearn) {
  for (const char* name : {"thresholds", "concurrency", "drain", "latency",
                           "windows", "schedules"}) {
    const auto policy = MakePolicy(name, {}, {});
    ASSERT_NE(policy, nullptr) << name;
    EXPECT_EQ(policy->name(), name);
  }
  EXPECT_EQ(MakePolicy("history", {}, {}), nullptr);
  EXPECT_EQ(MakePolicy("prediction", {}, {}), nullptr);
}

TEST(PolicyListTest, FunctionSaysWhatItsSettingsAre) {
  serverless::function::v1::Function function;
  function.mutable_scaling()->set_target_wait(1000);
  FunctionLoad load;
  load.queue_depth = 100;
  load.calls = 10;
  load.average_run = absl::Milliseconds(100);
  const auto patient = MakePolicy("drain", function, {});
  const auto usual = MakePolicy("drain", {}, {});
  EXPECT_EQ(
      patient->Propose(load, {.max_instances = 1000}, absl::UnixEpoch()).wanted,
      10);
  EXPECT_EQ(
      usual->Propose(load, {.max_instances = 1000}, absl::UnixEpoch()).wanted,
      100);
}

TEST(PolicyListTest, FunctionWithAnIdleTimeoutIsNotPredicted) {
  serverless::function::v1::Function function;
  const ScalingSettings settings = {.policies = {"drain", "prediction"}};
  EXPECT_THAT(PolicyNames(function, settings),
              ElementsAre("drain", "prediction"));
  function.set_idle_timeout(1000);
  EXPECT_THAT(PolicyNames(function, settings), ElementsAre("drain"));
  function.mutable_scaling()->add_policies("prediction");
  EXPECT_THAT(PolicyNames(function, settings), ElementsAre("prediction"));
}

TEST(PolicyListTest, ConcurrencyForgetsWithinTheIdleTimeoutOfTheFunction) {
  serverless::function::v1::Function function;
  function.set_idle_timeout(1000);
  // How long after its last call one instance is still wanted.
  const auto held = [&](const serverless::function::v1::Function& held_for) {
    const auto policy = MakePolicy("concurrency", held_for, {});
    FunctionLoad load;
    load.warm = 1;
    absl::Time now = absl::UnixEpoch();
    for (int second = 0; second < 300; ++second) {
      load.concurrency = second < 100 ? 0.5 : 0;
      now += absl::Seconds(1);
      const bool wanted = policy->Propose(load, {}, now).wanted > 0;
      if (second >= 100 && !wanted) return second - 100;
    }
    return 300;
  };
  EXPECT_LE(held(function), 10);
  EXPECT_GE(held({}), 60);
}

TEST(PolicyListTest, WindowsAndSchedulesOfTheFunctionCount) {
  serverless::function::v1::Function function;
  auto& window = *function.mutable_scaling()->add_windows();
  window.set_start("0 9 * * *");
  window.set_duration(3600000);
  window.set_instances(3);
  auto& fields = *function.add_triggers()->mutable_config()->mutable_fields();
  function.mutable_triggers(0)->set_type("schedule");
  fields["cron"].set_string_value("30 6 * * *");
  fields["timezone"].set_string_value("Europe/Berlin");
  const auto at = [](int hour, int minute) {
    return absl::FromCivil(absl::CivilMinute(2026, 1, 15, hour, minute),
                           absl::UTCTimeZone());
  };
  const auto windows = MakePolicy("windows", function, {});
  EXPECT_EQ(windows->Propose({}, {}, at(8, 59)).wanted, 0);
  EXPECT_EQ(windows->Propose({}, {}, at(9, 30)).wanted, 3);
  const auto schedules = MakePolicy("schedules", function, {});
  EXPECT_EQ(schedules->Propose({}, {}, at(5, 29)).wanted, 0);
  EXPECT_EQ(schedules->Propose({}, {}, at(5, 30)).wanted, 1);
}

}  // namespace
}  // namespace so
