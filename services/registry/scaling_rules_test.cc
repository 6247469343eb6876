#include "services/registry/scaling_rules.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<FieldProblem> Problems(const std::string& scaling) {
  Function function;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      absl::StrCat("scaling { ", scaling, " }"), &function))
      << scaling;
  FieldProblems problems;
  CheckScaling(function, problems);
  return problems.list();
}

std::vector<std::string> WrongFields(const std::string& scaling) {
  std::vector<std::string> fields;
  for (const FieldProblem& problem : Problems(scaling)) {
    EXPECT_FALSE(problem.problem().empty()) << problem.field();
    fields.push_back(problem.field());
  }
  return fields;
}

struct Case {
  std::string text;
  // Empty: nothing is wrong.
  std::string field;
};

class ScalingRulesTest : public testing::TestWithParam<Case> {};

TEST_P(ScalingRulesTest, NamesTheWrongField) {
  if (GetParam().field.empty()) {
    EXPECT_THAT(WrongFields(GetParam().text), IsEmpty()) << GetParam().text;
  } else {
    EXPECT_THAT(WrongFields(GetParam().text), ElementsAre(GetParam().field))
        << GetParam().text;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Settings, ScalingRulesTest,
    testing::ValuesIn(std::vector<Case>{
        {"", ""},
        {"policies: ['thresholds', 'concurrency', 'drain', 'latency', "
         "'history', 'windows', 'schedules', 'prediction']",
         ""},
        {"policies: 'other'", "scaling.policies[0]"},
        {"policies: ''", "scaling.policies[0]"},
        {"policies: ['drain', 'Drain']", "scaling.policies[1]"},
        {"policies: ['drain', 'latency', 'drain']", "scaling.policies[2]"},
        {"policies: ['a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a']",
         "scaling.policies"},
        {"target_utilization: 0.1", ""},
        {"target_utilization: 1", ""},
        {"target_utilization: 0.09", "scaling.targetUtilization"},
        {"target_utilization: 1.01", "scaling.targetUtilization"},
        {"target_utilization: nan", "scaling.targetUtilization"},
        {"target_utilization: -0.5", "scaling.targetUtilization"},
        {"target_wait: 1", ""},
        {"target_wait: 60000", ""},
        {"target_wait: -1", "scaling.targetWait"},
        {"target_wait: 60001", "scaling.targetWait"},
        {"target_response: 900000", ""},
        {"target_response: -1", "scaling.targetResponse"},
        {"target_response: 900001", "scaling.targetResponse"},
        {"time_zone: 'Europe/Berlin'", ""},
        {"time_zone: 'UTC'", ""},
        {"time_zone: 'Europe/Bonn'", "scaling.timeZone"},
        {"time_zone: '../../etc/passwd'", "scaling.timeZone"},
        {"idle_budget: 0.001", ""},
        {"idle_budget: 1e9", ""},
        {"idle_budget: 0.0009", "scaling.idleBudget"},
        {"idle_budget: 1.1e9", "scaling.idleBudget"},
        {"idle_budget: -1", "scaling.idleBudget"},
        {"idle_budget: inf", "scaling.idleBudget"},
        {"idle_budget: nan", "scaling.idleBudget"},
        {"warm_on_deploy: true", ""},
    }));

INSTANTIATE_TEST_SUITE_P(
    Windows, ScalingRulesTest,
    testing::ValuesIn(std::vector<Case>{
        {"windows { start: '0 9 * * 1-5' duration: 60000 }", ""},
        {"windows { start: '@daily' duration: 604800000 instances: 1000 "
         "time_zone: 'America/New_York' }",
         ""},
        {"windows { duration: 60000 }", "scaling.windows[0].start"},
        {"windows { start: '0 25 * * *' duration: 60000 }",
         "scaling.windows[0].start"},
        {"windows { start: '0 9 * * *' }", "scaling.windows[0].duration"},
        {"windows { start: '0 9 * * *' duration: 59999 }",
         "scaling.windows[0].duration"},
        {"windows { start: '0 9 * * *' duration: 604800001 }",
         "scaling.windows[0].duration"},
        {"windows { start: '0 9 * * *' duration: 60000 instances: 0 }",
         "scaling.windows[0].instances"},
        {"windows { start: '0 9 * * *' duration: 60000 instances: 1001 }",
         "scaling.windows[0].instances"},
        {"windows { start: '0 9 * * *' duration: 60000 time_zone: 'Mars' }",
         "scaling.windows[0].timeZone"},
        {"windows { start: '0 9 * * *' duration: 60000 } "
         "windows { start: 'x' duration: 60000 }",
         "scaling.windows[1].start"},
    }));

TEST(ScalingRules, NoScalingIsInOrder) {
  FieldProblems problems;
  CheckScaling(Function(), problems);
  EXPECT_THAT(problems.list(), IsEmpty());
}

TEST(ScalingRules, SaysWhatIsWrongWithATime) {
  const auto problems =
      Problems("windows { start: '0 25 * * *' duration: 60000 }");
  ASSERT_EQ(problems.size(), 1);
  EXPECT_EQ(problems[0].problem(), "hour: 25 is not 0 to 23");
}

TEST(ScalingRules, AtMostTwentyWindows) {
  std::string text;
  for (int i = 0; i < 20; ++i) {
    text += "windows { start: '0 9 * * *' duration: 60000 } ";
  }
  EXPECT_THAT(WrongFields(text), IsEmpty());
  text += "windows { start: '0 9 * * *' duration: 60000 } ";
  EXPECT_THAT(WrongFields(text), ElementsAre("scaling.windows"));
}

}  // namespace
}  // namespace so
