#include "sandbox/launcher/runtime_programs.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class RuntimeProgramsTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/so-runtimes-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    root_ = name;
    directories_ = {.runtimes = root_ + "/runtimes",
                    .programs = "/programs",
                    .toolchains = root_ + "/toolchains"};
    fs::create_directories(directories_.runtimes);
  }
  void TearDown() override { fs::remove_all(root_); }

  void Write(const std::string& name, const std::string& descriptor) {
    const std::string folder = directories_.runtimes + "/" + name;
    fs::create_directories(folder);
    std::ofstream(folder + "/runtime.textproto") << descriptor;
  }

  std::vector<RuntimeProgram> Load() {
    auto programs = LoadRuntimePrograms(directories_);
    EXPECT_THAT(programs, IsOk());
    return programs.ok() ? *std::move(programs) : std::vector<RuntimeProgram>{};
  }

  std::string root_;
  RuntimeDirectories directories_;
};

TEST_F(RuntimeProgramsTest, ZygoteSeesItsFolderAndThePlatformsPrograms) {
  Write("snake",
        "name: 'snake' zygote: 'python3' zygote: '/var/runtime/zygote.py' "
        "environment { key: 'A' value: 'b' }");
  const auto programs = Load();
  ASSERT_EQ(programs.size(), 1u);
  EXPECT_EQ(programs[0].name, "snake");
  EXPECT_EQ(programs[0].problem, "");
  const isolation::ZygoteProgram& zygote = programs[0].zygote;
  EXPECT_THAT(zygote.command, ElementsAre("python3", "/var/runtime/zygote.py"));
  EXPECT_THAT(zygote.environment, Contains("A=b"));
  EXPECT_THAT(zygote.environment, Contains("HOME=/tmp"));
  ASSERT_EQ(zygote.directories.size(), 2u);
  EXPECT_EQ(zygote.directories[0].source, directories_.runtimes + "/snake");
  EXPECT_EQ(zygote.directories[0].target, "/var/runtime");
  EXPECT_EQ(zygote.directories[1].source, "/programs");
  EXPECT_EQ(zygote.directories[1].target, "/opt/so");
}

TEST_F(RuntimeProgramsTest, MountsAreThoseThatExist) {
  fs::create_directories(root_ + "/toolchains/go");
  Write("go",
        "name: 'go' zygote: '/opt/so/so-init' "
        "mounts { source: '{toolchains}/go' target: '/opt/go/' }");
  const auto programs = Load();
  ASSERT_EQ(programs.size(), 1u);
  // A target that names no directory of its own.
  EXPECT_THAT(programs[0].problem, HasSubstr("/opt/go/"));
  Write("go",
        "name: 'go' zygote: '/opt/so/so-init' "
        "mounts { source: '{toolchains}/go' target: '/opt/go' }");
  const auto corrected = Load();
  ASSERT_EQ(corrected[0].problem, "");
  EXPECT_EQ(corrected[0].zygote.directories[2].source,
            root_ + "/toolchains/go");
}

TEST_F(RuntimeProgramsTest, UnusableOnesKeepTheirProblemAndTheOthersWork) {
  Write("broken", "name 'broken'");
  Write("empty", "name: 'empty'");
  Write("fine", "name: 'fine' zygote: 'x'");
  Write("unbuilt",
        "name: 'unbuilt' zygote: 'x' "
        "mounts { source: '{toolchains}/none' target: '/opt/none' }");
  const auto programs = Load();
  ASSERT_EQ(programs.size(), 4u);
  EXPECT_THAT(programs[0].problem, HasSubstr("not a RuntimeDescriptor"));
  EXPECT_THAT(programs[1].problem, HasSubstr("zygote must be set"));
  EXPECT_EQ(programs[2].problem, "");
  EXPECT_THAT(programs[3].problem, HasSubstr("{toolchains}/none is missing"));
}

TEST_F(RuntimeProgramsTest, NoRuntimeAtAllIsAnError) {
  EXPECT_THAT(LoadRuntimePrograms(directories_),
              HasCode(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace so
