#include "sandbox/cgroups/cgroups.h"

#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/cgroups/testing/temp_tree.h"

namespace so {
namespace {

using testing::HasSubstr;

// A host whose unified hierarchy is a directory of plain files.
class CgroupsTest : public testing::Test {
 protected:
  CgroupsTest() {
    tree_.Put("proc/self/cgroup", "0::/so.service\n");
    Mount("rw");
    for (const char* group : {"cg/so.service/", "cg/so.service/base/"}) {
      tree_.Put(absl::StrCat(group, "cgroup.controllers"), "cpu memory pids\n");
      tree_.Put(absl::StrCat(group, "cgroup.subtree_control"), "");
    }
  }

  void Mount(const std::string& options) {
    tree_.Put("proc/self/mountinfo",
              absl::StrCat("28 24 0:25 / ", tree_.path("cg"), " ", options,
                           " - cgroup2 cgroup2 rw\n"));
  }

  std::unique_ptr<Cgroups> Discover() {
    auto found =
        Cgroups::Discover({.base = "base", .proc_dir = tree_.path("proc")});
    EXPECT_TRUE(found.ok()) << found.status();
    return *std::move(found);
  }

  cgroups::TempTree tree_;
};

TEST_F(CgroupsTest, UnifiedHostServesEveryController) {
  const auto cgroups = Discover();
  for (int i = 0; i < kCgroupControllers; ++i) {
    const auto controller = static_cast<CgroupController>(i);
    EXPECT_EQ(cgroups->version(controller), CgroupVersion::kV2) << i;
    EXPECT_EQ(cgroups->problem(controller), "") << i;
  }
}

TEST_F(CgroupsTest, EnablesControllersInItsGroupAndInTheBase) {
  const auto cgroups = Discover();
  EXPECT_EQ(tree_.Get("cg/so.service/cgroup.subtree_control"), "+cpu");
  EXPECT_EQ(tree_.Get("cg/so.service/base/cgroup.subtree_control"), "+cpu");
}

TEST_F(CgroupsTest, SandboxesTogetherWeighMoreOnMoreProcessors) {
  tree_.Put("cg/so.service/base/cpu.weight", "100\n");
  const auto cgroups = Discover();
  const long processors = sysconf(_SC_NPROCESSORS_ONLN);
  EXPECT_EQ(tree_.Get("cg/so.service/base/cpu.weight"),
            absl::StrCat(std::min(100 * processors, 10'000L)));
}

TEST_F(CgroupsTest, ControllerThatCannotBeEnabledIsAProblemOfItsOwn) {
  tree_.Put("cg/so.service/cgroup.controllers", "memory pids\n");
  const auto cgroups = Discover();
  EXPECT_EQ(cgroups->version(CgroupController::kCpu), CgroupVersion::kNone);
  EXPECT_THAT(cgroups->problem(CgroupController::kCpu), HasSubstr("cpu"));
  EXPECT_EQ(cgroups->version(CgroupController::kMemory), CgroupVersion::kV2);
}

TEST_F(CgroupsTest, MountThatStaysReadOnlyIsAProblemThatNamesIt) {
  Mount("ro");
  const auto cgroups = Discover();
  EXPECT_EQ(cgroups->version(CgroupController::kMemory), CgroupVersion::kNone);
  EXPECT_THAT(cgroups->problem(CgroupController::kMemory),
              HasSubstr("mounted read-only"));
  EXPECT_THAT(cgroups->problem(CgroupController::kMemory),
              HasSubstr("CAP_SYS_ADMIN"));
}

TEST_F(CgroupsTest, FailedMakeLeavesNothing) {
  const auto cgroups = Discover();
  // Groups of plain directories have no files to write limits to.
  EXPECT_FALSE(cgroups->Make("one").ok());
  EXPECT_FALSE(std::filesystem::exists(tree_.path("cg/so.service/base/one")));
}

TEST_F(CgroupsTest, HostWithoutProcIsAnError) {
  EXPECT_FALSE(Cgroups::Discover({.proc_dir = tree_.path("none")}).ok());
}

}  // namespace
}  // namespace so
