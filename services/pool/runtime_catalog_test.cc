#include "services/pool/runtime_catalog.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "base/ids.h"
#include "base/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace so {
namespace {

namespace fs = std::filesystem;

TEST(RuntimeCatalogTest, NamesEveryProblemAtOnce) {
  const fs::path dir =
      fs::path(::testing::TempDir()) / ("runtimes-" + RandomToken(10));
  fs::create_directories(dir / "one");
  fs::create_directories(dir / "two");
  std::ofstream(dir / "one/runtime.textproto") << "nonsense: 1";
  std::ofstream(dir / "two/runtime.textproto") << R"(name: "two")";
  const auto catalog = RuntimeCatalog::Load(dir.string());
  EXPECT_THAT(
      std::string(catalog.status().message()),
      ::testing::AllOf(::testing::HasSubstr("not a RuntimeDescriptor"),
                       ::testing::HasSubstr("zygote and source.split")));
  fs::remove_all(dir);
  EXPECT_FALSE(RuntimeCatalog::Load(dir.string()).ok());
}

serverless::config::v1::RuntimeDescriptor Described(const std::string& text) {
  serverless::config::v1::RuntimeDescriptor descriptor;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &descriptor));
  return descriptor;
}

TEST(RuntimeTest, KnowsTheLimitsOfItsSandboxes) {
  const Runtime plain(Described(R"(name: "a" memory_floor: 64)"));
  EXPECT_EQ(plain.EnforcedMemory(32), 64);
  EXPECT_EQ(plain.EnforcedMemory(256), 256);
  EXPECT_EQ(plain.max_pids(), 128);
  EXPECT_EQ(plain.build(), nullptr);
  const Runtime other(
      Described(R"(name: "b" max_pids: 9 build { command: "make" })"));
  EXPECT_EQ(other.max_pids(), 9);
  EXPECT_EQ(other.build()->command(0), "make");
}

TEST(RuntimeTest, SourceMayHaveAConstantNameOrBeAnArchive) {
  const Runtime constant(
      Described(R"(name: "a" source { split: SPLIT_NONE files: "main.go" })"));
  const auto files = constant.SourceFiles("whatever");
  SO_ASSERT_OK(files);
  EXPECT_THAT(*files, ::testing::ElementsAre("main.go"));
  const Runtime archive(Described(R"(name: "b" source { split: SPLIT_NONE })"));
  EXPECT_FALSE(archive.takes_inline_code());
  EXPECT_THAT(archive.SourceFiles("whatever").status(),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace so
