#include "sandbox/init/config.h"

#include "gtest/gtest.h"

namespace so::init {
namespace {

constexpr const char* kFunction =
    R"({"contract":1,"codeDir":"/c","invokedFunctionArn":"arn","logGroupName":
    "g","logStreamName":"s","environment":{"A":"1","LAMBDA_RUNTIME_DIR":"mine",
    "AWS_REGION":"eu-west-1","PATH":"/x"}})";

TEST(ConfigTest, FunctionsGetTheirEnvironment) {
  const auto config = ParseConfig(kFunction);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->code_dir, "/c");
  char path[] = "PATH=/usr/bin", language[] = "LANG=C.UTF-8", odd[] = "odd";
  char* inherited[] = {path, language, odd, nullptr};
  const Environment environment = BootstrapEnvironment(*config, inherited);
  EXPECT_EQ(environment.at("A"), "1");
  EXPECT_EQ(environment.at("PATH"), "/x");
  EXPECT_EQ(environment.at("LANG"), "C.UTF-8");
  EXPECT_EQ(environment.at("AWS_REGION"), "eu-west-1");
  EXPECT_EQ(environment.at("AWS_DEFAULT_REGION"), "local");
  EXPECT_EQ(environment.at("LAMBDA_RUNTIME_DIR"), "/var/runtime");
  EXPECT_EQ(environment.at("AWS_LAMBDA_RUNTIME_API"), "127.0.0.1:9001");
  EXPECT_EQ(environment.at("AWS_LAMBDA_LOG_GROUP_NAME"), "g");
}

TEST(ConfigTest, ConcurrentFunctionsLearnOfIt) {
  char* nothing[] = {nullptr};
  const auto alone = ParseConfig(kFunction);
  EXPECT_EQ(
      BootstrapEnvironment(*alone, nothing).count("AWS_LAMBDA_MAX_CONCURRENCY"),
      0u);
  std::string text = kFunction;
  text.insert(1, R"("concurrency":7,)");
  const auto config = ParseConfig(text);
  ASSERT_TRUE(config);
  const Environment environment = BootstrapEnvironment(*config, nothing);
  EXPECT_EQ(environment.at("AWS_LAMBDA_MAX_CONCURRENCY"), "7");
  EXPECT_EQ(environment.at("AWS_LAMBDA_LOG_FORMAT"), "JSON");
  text.replace(text.find(":7,"), 3, ":0,");
  EXPECT_FALSE(ParseConfig(text));
}

TEST(ConfigTest, TasksHaveACommand) {
  const auto config =
      ParseConfig(R"({"contract":1,"codeDir":"/c","task":{"command":["a","b"],)"
                  R"("environment":{"X":"1"}}})");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->task, (std::vector<std::string>{"a", "b"}));
  char* nothing[] = {nullptr};
  EXPECT_EQ(TaskEnvironment(*config, nothing), (Environment{{"X", "1"}}));
}

TEST(ConfigTest, OtherShapesAreRefused) {
  for (const char* text : {
           "",
           "[]",
           "{}",
           R"({"contract":2,"codeDir":"/c","task":{"command":["a"]}})",
           R"({"contract":1,"task":{"command":["a"]}})",
           R"({"contract":1,"codeDir":"/c","task":{"command":[]}})",
           R"({"contract":1,"codeDir":"/c","task":{"command":[1]}})",
           R"({"contract":1,"codeDir":"/c","environment":{}})",
           R"({"contract":1,"codeDir":"/c","invokedFunctionArn":"a",
           "logGroupName":"g","logStreamName":"s","environment":{"A":1}})",
       }) {
    EXPECT_FALSE(ParseConfig(text)) << text;
  }
}

}  // namespace
}  // namespace so::init
