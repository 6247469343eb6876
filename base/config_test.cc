#include "base/config.h"

#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "serverless/config/v1/pool.pb.h"
#include "serverless/config/v1/router.pb.h"
#include "serverless/config/v1/scaler.pb.h"

namespace so {
namespace {

using serverless::config::v1::PoolConfig;
using serverless::config::v1::RouterConfig;
using serverless::config::v1::ScalerConfig;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

ConfigResult Load(google::protobuf::Message& config,
                  std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "program");
  return LoadConfig(static_cast<int>(arguments.size()), arguments.data(),
                    config);
}

std::string WriteFile(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + name;
  std::ofstream(path) << text;
  return path;
}

TEST(LoadConfigTest, DefaultsComeFromTheSchemaAndAreValid) {
  RouterConfig router;
  EXPECT_THAT(Load(router, {}).problems, IsEmpty());
  EXPECT_EQ(router.queue_depth(), 100);
  EXPECT_EQ(ToAbsl(router.queue_wait()), absl::Seconds(30));
  PoolConfig pool;
  EXPECT_THAT(Load(pool, {}).problems, IsEmpty());
  EXPECT_EQ(ToAbsl(pool.terminate_grace()), absl::Milliseconds(500));
  ScalerConfig scaler;
  EXPECT_THAT(Load(scaler, {}).problems, IsEmpty());
  EXPECT_DOUBLE_EQ(scaler.error_rate_threshold(), 0.05);
}

TEST(LoadConfigTest, FlagsWinOverTheFileAndTheFileOverDefaults) {
  const std::string file =
      "--config=" + WriteFile("router.textproto",
                              "queue_depth: 7 queue_wait { nanos: 50000000 } "
                              "log_level: \"warn\"");
  RouterConfig config;
  EXPECT_THAT(
      Load(config, {file.c_str(), "--queue_depth=9", "--drain_timeout", "1m"})
          .problems,
      IsEmpty());
  EXPECT_EQ(config.queue_depth(), 9);
  // The default's 30 seconds must not survive beside the file's nanos.
  EXPECT_EQ(ToAbsl(config.queue_wait()), absl::Milliseconds(50));
  EXPECT_EQ(config.log_level(), "warn");
  EXPECT_EQ(ToAbsl(config.drain_timeout()), absl::Minutes(1));
}

TEST(LoadConfigTest, ReportsAllProblemsAtOnce) {
  RouterConfig config;
  EXPECT_THAT(
      Load(config, {"--queue_depth=many", "--queue_wait=2h", "--log_level=loud",
                    "--pool_address="})
          .problems,
      UnorderedElementsAre(HasSubstr("--queue_depth: \"many\""),
                           HasSubstr("queue_wait: 7200 s is not between"),
                           HasSubstr("log_level: \"loud\" is not one of"),
                           HasSubstr("pool_address: must not be empty")));
}

TEST(LoadConfigTest, NamesUnknownFlagsAndLinesOfTheFile) {
  RouterConfig config;
  EXPECT_THAT(Load(config, {"--no_such_flag=1"}).problems,
              ElementsAre(HasSubstr("--no_such_flag=1: no such flag")));
  const std::string file =
      "--config=" + WriteFile("bad.textproto", "queue_depth: 7\nnonsense: 1");
  EXPECT_THAT(Load(config, {file.c_str()}).problems,
              ElementsAre(HasSubstr("bad.textproto:2:")));
  EXPECT_THAT(Load(config, {"--config=/no/such/file"}).problems,
              ElementsAre(HasSubstr("/no/such/file")));
}

TEST(LoadConfigTest, HelpListsEverySetting) {
  RouterConfig config;
  const std::string help = Load(config, {"--help"}).help;
  EXPECT_THAT(help, HasSubstr("--queue_depth"));
  EXPECT_THAT(help, HasSubstr("[100]"));
  EXPECT_THAT(help, HasSubstr("QUEUE_FULL"));
}

}  // namespace
}  // namespace so
