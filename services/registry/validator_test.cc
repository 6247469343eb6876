#include "services/registry/validator.h"

#include <functional>
#include <set>

#include "base/testing/status_matchers.h"
#include "google/protobuf/text_format.h"
#include "services/registry/function_edits.h"
#include "services/registry/testing/functions.h"

namespace so {
namespace {

using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::set<std::string> WrongFields(
    const Function& function,
    Validator::Code code = Validator::Code::kRequired) {
  static const Validator validator(SupportedRuntimes());
  FieldProblems problems;
  validator.Check(Completed(function), code, problems);
  std::set<std::string> fields;
  for (const FieldProblem& problem : problems.list()) {
    EXPECT_FALSE(problem.problem().empty()) << problem.field();
    fields.insert(problem.field());
  }
  return fields;
}

// A valid function with `text` (text format) merged over it.
Function With(const std::string& text) {
  Function function = ValidFunction("hello");
  Function change;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &change))
      << text;
  function.MergeFrom(change);
  // Text format cannot unset what is set: an empty value says so.
  if (text.find("code: \'\'") != std::string::npos) function.clear_code();
  if (text.find("handler: \'\'") != std::string::npos) function.clear_handler();
  return function;
}

std::string HttpTrigger(const std::string& path,
                        const std::string& method = "GET") {
  return "triggers { type: 'http' config { fields { key: 'path' value { "
         "string_value: '" +
         path + "' } } fields { key: 'method' value { string_value: '" +
         method + "' } } } }";
}

struct Case {
  std::string text;
  // Empty: nothing is wrong.
  std::string field;
};

class ValidatorTableTest : public testing::TestWithParam<Case> {};

TEST_P(ValidatorTableTest, NamesTheWrongField) {
  const std::set<std::string> wrong = WrongFields(With(GetParam().text));
  if (GetParam().field.empty()) {
    EXPECT_THAT(wrong, IsEmpty()) << GetParam().text;
  } else {
    EXPECT_THAT(wrong, UnorderedElementsAre(GetParam().field))
        << GetParam().text;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Names, ValidatorTableTest,
    testing::ValuesIn(std::vector<Case>{
        {"name: 'a'", ""},
        {"name: '0-a-'", ""},
        {"name: '" + std::string(63, 'a') + "'", ""},
        {"name: '" + std::string(64, 'a') + "'", "name"},
        {"name: '-a'", "name"},
        {"name: 'A'", "name"},
        {"name: 'a b'", "name"},
        {"name: 'a:1'", "name"},
        {"name: 'a/../b'", "name"},
        {"name: 'fn-1767225600000-abc123'", "name"},
        {"name: 'fn-hello'", ""},
        {"runtime: 'cobol'", "runtime"},
        {"runtime: 'Node'", "runtime"},
        {"runtime: 'python' handler: 'main.handler'", ""},
        {"handler: 'index'", "handler"},
        {"handler: '.handler'", "handler"},
        {"handler: '../index.handler'", "handler"},
        {"handler: '/etc/index.handler'", "handler"},
        {"handler: 'a//b.handler'", "handler"},
        {"handler: 'a..b'", "handler"},
        {"handler: 'index.handler\\n'", "handler"},
        {"handler: 'index.a b'", "handler"},
        {"handler: 'src/app.api.$handler'", ""},
        {"handler: '" + std::string(250, 'a') + ".handler'", "handler"},
        {"runtime: 'python' handler: 'main.$x'", "handler"},
        {"runtime: 'go' handler: 'Handler'", ""},
        {"runtime: 'go' handler: 'main.Handler'", "handler"},
        {"runtime: 'go' handler: ''", ""},
        {"runtime: 'rust' handler: 'handler'", ""},
        {"runtime: 'rust' handler: ''", ""},
        {"runtime: 'custom' handler: ''", ""},
        {"runtime: 'custom' handler: 'what/ever:x.y'", ""},
        {"runtime: 'custom' handler: 'a b'", "handler"},
        {"handler: ''", "handler"}}));

INSTANTIATE_TEST_SUITE_P(Limits, ValidatorTableTest,
                         testing::ValuesIn(std::vector<Case>{
                             {"timeout: 1", ""},
                             {"timeout: 900000", ""},
                             {"timeout: 0", "timeout"},
                             {"timeout: -1", "timeout"},
                             {"timeout: 900001", "timeout"},
                             {"memory: 32", ""},
                             {"memory: 31", "memory"},
                             {"memory: 10241", "memory"},
                             {"min_instances: -1", "minInstances"},
                             {"min_instances: 1001", "minInstances"},
                             {"min_instances: 21", "minInstances"},
                             {"min_instances: 21 max_instances: 21", ""},
                             {"max_instances: 0", "maxInstances"},
                             {"max_instances: 1001", "maxInstances"},
                             {"concurrency: 0", "concurrency"},
                             {"concurrency: 101", "concurrency"},
                             {"concurrency: 2 runtime: 'python'",
                              "concurrency"},
                             {"concurrency: 2 reuse: 'never'", "concurrency"},
                             {"idle_timeout: 999", "idleTimeout"},
                             {"idle_timeout: 86400001", "idleTimeout"},
                             {"max_age: 0", "maxAge"},
                             {"max_age: 1000", ""},
                             {"concurrency_limit: -1", "concurrencyLimit"},
                             {"concurrency_limit: 100001", "concurrencyLimit"},
                             {"concurrency_limit: 0", ""},
                             {"concurrency_limit: 100000", ""},
                             {"rate_limit: -1", "rateLimit"},
                             {"rate_limit: 0.009", "rateLimit"},
                             {"rate_limit: 100000.5", "rateLimit"},
                             {"rate_limit: nan", "rateLimit"},
                             {"rate_limit: inf", "rateLimit"},
                             {"rate_limit: 0", ""},
                             {"rate_limit: 0.01", ""},
                             {"rate_limit: 100000 rate_burst: 1", ""},
                             {"rate_burst: -1", "rateBurst"},
                             {"rate_burst: 100001", "rateBurst"},
                             {"rate_burst: 100000", ""},
                             {"reuse: 'always'", "reuse"},
                             {"reuse: 'never'", ""},
                             {"network: 'host'", "network"},
                             {"network: 'egress'", ""}}));

INSTANTIATE_TEST_SUITE_P(
    Texts, ValidatorTableTest,
    testing::ValuesIn(std::vector<Case>{
        {"code: '\\000'", "code"},
        {"code: '\\377'", "code"},
        {"code: '' archive: 'PK'", "archive"},
        {"code: '' archive: 'PK\\003\\004\\000'", ""},
        {"code: '' archive: '\\037\\213\\010\\000'", ""},
        {"code: '' archive: '\\037\\213'", "archive"},
        {"archive: 'PK\\003\\004\\000'", "archive"},
        {"description: 'a\\000b'", "description"},
        {"description: '" + std::string(1025, 'x') + "'", "description"},
        {"labels { key: 'team/a.b_c-d' value: '' }", ""},
        {"labels { key: 'Team' value: 'x' }", "labels.Team"},
        {"labels { key: '' value: 'x' }", "labels."},
        {"labels { key: 'x' value: '" + std::string(257, 'x') + "' }",
         "labels.x"},
        {"labels { key: 'x' value: '\\377' }", "labels.x"},
        {"environment { key: 'FOO' value: 'bar' }", ""},
        {"environment { key: 'TZ' value: 'UTC' }", ""},
        {"environment { key: '1FOO' value: '' }", "environment.1FOO"},
        {"environment { key: 'A=B' value: '' }", "environment.A=B"},
        {"environment { key: '' value: '' }", "environment."},
        {"environment { key: 'FOO' value: 'a\\000' }", "environment.FOO"},
        {"environment { key: 'FOO' value: '\\377' }", "environment.FOO"},
        {"environment { key: '_HANDLER' value: '' }", "environment._HANDLER"},
        {"environment { key: 'AWS_LAMBDA_X' value: '' }",
         "environment.AWS_LAMBDA_X"},
        {"environment { key: 'LAMBDA_TASK_ROOT' value: '' }",
         "environment.LAMBDA_TASK_ROOT"},
        {"environment { key: 'SO_X' value: '' }", "environment.SO_X"},
        {"environment { key: 'PATH' value: '' }", "environment.PATH"},
        {"environment { key: 'LD_PRELOAD' value: '' }",
         "environment.LD_PRELOAD"},
        {"environment { key: 'NODE_OPTIONS' value: '' }",
         "environment.NODE_OPTIONS"},
        {"environment { key: 'PYTHONPATH' value: '' }",
         "environment.PYTHONPATH"},
        {"environment { key: 'FOO' value: '" + std::string(4094, 'x') + "' }",
         "environment"}}));

INSTANTIATE_TEST_SUITE_P(
    Triggers, ValidatorTableTest,
    testing::ValuesIn(std::vector<Case>{
        {"triggers { type: 'http' config {} }", ""},
        {"triggers { type: 'http' }", ""},
        {"triggers { type: 'schedule' config {} }", ""},
        {"triggers { type: 'event' }", ""},
        {"triggers { type: 'ftp' }", "triggers[0].type"},
        {"triggers { }", "triggers[0].type"},
        {HttpTrigger("/hello"), ""},
        {HttpTrigger("/users/{user}/*"), ""},
        {HttpTrigger("/healthy"), ""},
        {HttpTrigger("hello"), "triggers[0].config.path"},
        {HttpTrigger("/"), "triggers[0].config.path"},
        {HttpTrigger("/functions"), "triggers[0].config.path"},
        {HttpTrigger("/health/live"), "triggers[0].config.path"},
        {HttpTrigger("/metrics"), "triggers[0].config.path"},
        {HttpTrigger("/openapi.json"), "triggers[0].config.path"},
        {HttpTrigger("/docs/x"), "triggers[0].config.path"},
        {HttpTrigger("/2015-03-31/functions"), "triggers[0].config.path"},
        {HttpTrigger("/a/../b"), "triggers[0].config.path"},
        {HttpTrigger("/a//b"), "triggers[0].config.path"},
        {HttpTrigger("/a b"), "triggers[0].config.path"},
        {HttpTrigger("/a\\000"), "triggers[0].config.path"},
        {HttpTrigger("/a?b=c"), "triggers[0].config.path"},
        {HttpTrigger("/a%2fb"), "triggers[0].config.path"},
        {HttpTrigger("/a/x{b}"), "triggers[0].config.path"},
        {HttpTrigger("/*/b"), "triggers[0].config.path"},
        {HttpTrigger("/{a}/{a}"), "triggers[0].config.path"},
        {HttpTrigger("/" + std::string(1024, 'a')), "triggers[0].config.path"},
        {HttpTrigger("/a", "get"), "triggers[0].config.method"},
        {HttpTrigger("/a", "TRACE"), "triggers[0].config.method"},
        {HttpTrigger("/{a}") + HttpTrigger("/{b}"), "triggers[1].config.path"},
        {HttpTrigger("/a") + HttpTrigger("/a", "POST"), ""},
        {"triggers { type: 'http' config { fields { key: 'path' value { "
         "string_value: '/a' } } } }",
         "triggers[0].config.method"},
        {"triggers { type: 'http' config { fields { key: 'port' value { "
         "number_value: 1 } } fields { key: 'path' value { string_value: '/a' "
         "} } fields { key: 'method' value { string_value: 'GET' } } } }",
         "triggers[0].config.port"},
        {"triggers { type: 'schedule' config { fields { key: 'cron' value { "
         "string_value: '' } } } }",
         "triggers[0].config.cron"},
        {"triggers { type: 'schedule' config { fields { key: 'cron' value { "
         "number_value: 5 } } } }",
         "triggers[0].config.cron"},
        {"triggers { type: 'schedule' config { fields { key: 'cron' value { "
         "string_value: '0 9 * * MON-FRI' } } fields { key: 'timezone' value { "
         "string_value: 'Europe/Berlin' } } } }",
         ""},
        {"triggers { type: 'schedule' config { fields { key: 'cron' value { "
         "string_value: '@hourly' } } } }",
         ""},
        {"triggers { type: 'schedule' config { fields { key: 'cron' value { "
         "string_value: '0 24 * * *' } } } }",
         "triggers[0].config.cron"},
        {"triggers { type: 'schedule' config { fields { key: 'cron' value { "
         "string_value: 'every day' } } } }",
         "triggers[0].config.cron"},
        {"triggers { type: 'schedule' config { fields { key: 'cron' value { "
         "string_value: '0 9 * * *' } } fields { key: 'timezone' value { "
         "string_value: 'Europe/Bonn' } } } }",
         "triggers[0].config.timezone"},
        {"triggers { type: 'schedule' config { fields { key: 'timezone' value "
         "{ string_value: 'UTC' } } } }",
         "triggers[0].config.cron"},
        {"triggers { type: 'event' config { fields { key: 'source' value { "
         "string_value: 'queue' } } } }",
         "triggers[0].config.queueName"},
        {"triggers { type: 'event' config { fields { key: 'source' value { "
         "string_value: '" +
             std::string(4096, 'x') + "' } } } }",
         "triggers[0].config"}}));

TEST(ValidatorTest, ReportsEveryWrongFieldAtOnce) {
  Function function;
  function.set_timeout(0);
  function.set_reuse("x");
  (*function.mutable_labels())["?"] = "";
  EXPECT_THAT(WrongFields(function),
              UnorderedElementsAre("name", "runtime", "handler", "code",
                                   "timeout", "reuse", "labels.?"));
}

TEST(ValidatorTest, BoundsCode) {
  Function function = ValidFunction("hello");
  function.set_code(std::string(4 << 20, 'x'));
  EXPECT_THAT(WrongFields(function), IsEmpty());
  function.mutable_code()->push_back('x');
  EXPECT_THAT(WrongFields(function), UnorderedElementsAre("code"));
  function.clear_code();
  EXPECT_THAT(WrongFields(function), UnorderedElementsAre("code"));
  EXPECT_THAT(WrongFields(function, Validator::Code::kStored), IsEmpty());
}

TEST(ValidatorTest, BoundsArchives) {
  Function function = ValidFunction("hello");
  function.clear_code();
  function.set_archive("PK\x03\x04");
  function.mutable_archive()->resize(50 << 20, '\0');
  EXPECT_THAT(WrongFields(function), IsEmpty());
  function.mutable_archive()->push_back('x');
  EXPECT_THAT(WrongFields(function), UnorderedElementsAre("archive"));
}

TEST(ValidatorTest, BoundsTriggersAndLabels) {
  Function function = ValidFunction("hello");
  for (int i = 0; i < 21; ++i) function.add_triggers()->set_type("http");
  for (int i = 0; i < 33; ++i) {
    (*function.mutable_labels())[std::to_string(i)] = "";
  }
  EXPECT_THAT(WrongFields(function),
              UnorderedElementsAre("triggers", "labels"));
}

TEST(ValidatorTest, EscapesWhatAClientCallsItsKeys) {
  Function function = ValidFunction("hello");
  (*function.mutable_labels())["a\n\xff"] = "";
  EXPECT_THAT(WrongFields(function), UnorderedElementsAre("labels.a\\n\\377"));
}

}  // namespace
}  // namespace so
