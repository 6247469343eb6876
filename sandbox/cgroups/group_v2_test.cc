#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/cgroups/group.h"
#include "sandbox/cgroups/group_kill.h"
#include "sandbox/cgroups/testing/temp_tree.h"

namespace so::cgroups {
namespace {

ControllerSet All() { return ControllerSet().set(); }

class GroupV2Test : public testing::Test {
 protected:
  GroupV2Test() {
    for (const char* name :
         {"cgroup.procs", "cgroup.freeze", "cgroup.kill", "memory.max",
          "memory.swap.max", "memory.oom.group", "pids.max", "cpu.max"})
      tree_.Put(name, "");
    tree_.Put("cpu.stat", "usage_usec 1234\nuser_usec 1000\n");
    tree_.Put("memory.peak", "8192\n");
    tree_.Put("memory.current", "4096\n");
    tree_.Put("memory.events", "low 0\nhigh 0\nmax 9\noom 1\noom_kill 2\n");
  }

  std::string ReadFrom(const absl::StatusOr<UniqueFd>& fd) {
    char text[256];
    const ssize_t got = fd.ok() ? pread(fd->get(), text, sizeof(text), 0) : -1;
    return got < 0 ? "error" : std::string(text, got);
  }

  TempTree tree_;
};

TEST_F(GroupV2Test, MemoryIsNotSwappedAndEndsTheWholeSandbox) {
  const auto group = MakeV2Group(tree_.path(), All());
  ASSERT_TRUE(group->Prepare().ok());
  EXPECT_EQ(tree_.Get("memory.swap.max"), "0");
  EXPECT_EQ(tree_.Get("memory.oom.group"), "1");
}

TEST_F(GroupV2Test, KernelWithoutSwapIsFine) {
  unlink(tree_.path("memory.swap.max").c_str());
  EXPECT_TRUE(MakeV2Group(tree_.path(), All())->Prepare().ok());
}

TEST_F(GroupV2Test, WritesLimits) {
  const auto group = MakeV2Group(tree_.path(), All());
  ASSERT_TRUE(
      group
          ->SetLimits(
              {.memory_bytes = 64 << 20, .max_pids = 32, .cpu_percent = 150})
          .ok());
  EXPECT_EQ(tree_.Get("memory.max"), "67108864");
  EXPECT_EQ(tree_.Get("pids.max"), "32");
  EXPECT_EQ(tree_.Get("cpu.max"), "150000 100000");
}

TEST_F(GroupV2Test, LimitOfZeroIsLeftAlone) {
  tree_.Put("memory.max", "max");
  ASSERT_TRUE(
      MakeV2Group(tree_.path(), All())->SetLimits({.max_pids = 7}).ok());
  EXPECT_EQ(tree_.Get("memory.max"), "max");
  EXPECT_EQ(tree_.Get("cpu.max"), "");
}

TEST_F(GroupV2Test, LimitsWhatItServesOnly) {
  ControllerSet pids;
  pids.set(static_cast<size_t>(CgroupController::kPids));
  const auto group = MakeV2Group(tree_.path(), pids);
  ASSERT_TRUE(group->SetLimits({.memory_bytes = 1 << 20, .max_pids = 3}).ok());
  EXPECT_EQ(tree_.Get("memory.max"), "");
  EXPECT_EQ(tree_.Get("pids.max"), "3");
}

TEST_F(GroupV2Test, LimitThatCannotBeSetIsAnError) {
  unlink(tree_.path("memory.max").c_str());
  const absl::Status status =
      MakeV2Group(tree_.path(), All())->SetLimits({.memory_bytes = 1 << 20});
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("memory.max"));
}

TEST_F(GroupV2Test, Measures) {
  const auto group = MakeV2Group(tree_.path(), All());
  EXPECT_EQ(group->OutOfMemoryKills(), 2u);
  EXPECT_EQ(group->MemoryPeakBytes(), 8192u);
  EXPECT_EQ(group->CpuNanos(), 1'234'000u);
  EXPECT_EQ(ReadFrom(group->OpenMemoryPeak()), "8192\n");
}

TEST_F(GroupV2Test, OldKernelTellsWhatIsInUseForPeak) {
  unlink(tree_.path("memory.peak").c_str());
  const auto group = MakeV2Group(tree_.path(), All());
  EXPECT_EQ(group->MemoryPeakBytes(), 4096u);
  EXPECT_EQ(ReadFrom(group->OpenMemoryPeak()), "4096\n");
}

TEST_F(GroupV2Test, ThawsAndKills) {
  const auto group = MakeV2Group(tree_.path(), All());
  ASSERT_TRUE(group->Thaw().ok());
  EXPECT_EQ(tree_.Get("cgroup.freeze"), "0");
  ASSERT_TRUE(KillProcesses(tree_.path()).ok());
  EXPECT_EQ(tree_.Get("cgroup.kill"), "1");
}

// The list may hold processes that have no number here, which show up as 0: to
// kill those would be to kill oneself.
TEST_F(GroupV2Test, KernelWithoutKillFileNeverKillsItsOwnGroup) {
  unlink(tree_.path("cgroup.kill").c_str());
  tree_.Put("cgroup.procs", "0\n0\n");
  EXPECT_TRUE(KillProcesses(tree_.path()).ok());
}

}  // namespace
}  // namespace so::cgroups
