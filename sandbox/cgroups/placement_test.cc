#include "sandbox/cgroups/placement.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so::cgroups {
namespace {

using testing::HasSubstr;

// Places controllers by the texts of a host; `unified` is what its own group
// offers on the unified hierarchy.
class Host {
 public:
  Host(absl::string_view mountinfo, absl::string_view cgroup,
       std::vector<std::string> unified = {}) {
    hierarchies_ =
        FindHierarchies(ParseMounts(mountinfo), ParseMemberships(cgroup));
    for (Hierarchy& hierarchy : hierarchies_) {
      if (hierarchy.version == CgroupVersion::kV2)
        hierarchy.controllers = unified;
    }
    places_ = PlaceControllers(hierarchies_);
  }

  std::string DirOf(CgroupController controller) const {
    const Place& place = places_[static_cast<int>(controller)];
    return place.hierarchy < 0 ? "" : hierarchies_[place.hierarchy].dir;
  }
  std::string ProblemOf(CgroupController controller) const {
    return places_[static_cast<int>(controller)].problem;
  }

 private:
  std::vector<Hierarchy> hierarchies_;
  std::array<Place, kCgroupControllers> places_;
};

constexpr char kHybridMounts[] =
    "30 29 0:26 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 "
    "rw\n"
    "31 29 0:27 / /sys/fs/cgroup/systemd rw,nosuid shared:11 - cgroup cgroup "
    "rw,xattr,name=systemd\n"
    "35 29 0:31 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:16 - cgroup "
    "cgroup rw,cpu,cpuacct\n"
    "36 29 0:32 / /sys/fs/cgroup/memory rw,nosuid shared:17 - cgroup cgroup "
    "rw,memory\n"
    "37 29 0:33 / /sys/fs/cgroup/pids rw,nosuid shared:18 - cgroup cgroup "
    "rw,pids\n"
    "38 29 0:34 / /sys/fs/cgroup/freezer rw,nosuid shared:19 - cgroup cgroup "
    "rw,freezer\n";
constexpr char kHybridGroups[] =
    "6:freezer:/\n"
    "5:pids:/system.slice/so.service\n"
    "4:memory:/system.slice/so.service\n"
    "2:cpu,cpuacct:/system.slice\n"
    "1:name=systemd:/system.slice/so.service\n"
    "0::/system.slice/so.service\n";

TEST(PlacementTest, HybridHostServesFromVersion1) {
  const Host host(kHybridMounts, kHybridGroups);
  EXPECT_EQ(host.DirOf(CgroupController::kMemory),
            "/sys/fs/cgroup/memory/system.slice/so.service");
  EXPECT_EQ(host.DirOf(CgroupController::kPids),
            "/sys/fs/cgroup/pids/system.slice/so.service");
  EXPECT_EQ(host.DirOf(CgroupController::kFreezer), "/sys/fs/cgroup/freezer");
  EXPECT_EQ(host.ProblemOf(CgroupController::kFreezer), "");
}

TEST(PlacementTest, ControllersMountedTogetherShareAHierarchy) {
  const Host host(kHybridMounts, kHybridGroups);
  EXPECT_EQ(host.DirOf(CgroupController::kCpu),
            "/sys/fs/cgroup/cpu,cpuacct/system.slice");
  EXPECT_EQ(host.DirOf(CgroupController::kCpuacct),
            host.DirOf(CgroupController::kCpu));
}

constexpr char kUnifiedMounts[] =
    "28 24 0:25 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - "
    "cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n";

TEST(PlacementTest, UnifiedHostServesEverything) {
  const Host host(kUnifiedMounts, "0::/system.slice/so.service\n",
                  {"cpuset", "cpu", "io", "memory", "pids"});
  for (int i = 0; i < kCgroupControllers; ++i) {
    EXPECT_EQ(host.DirOf(static_cast<CgroupController>(i)),
              "/sys/fs/cgroup/system.slice/so.service");
  }
}

TEST(PlacementTest, MissingControllerSaysWhichAndHowToEnableIt) {
  const Host host(kUnifiedMounts, "0::/user.slice/session-1.scope\n",
                  {"memory", "pids"});
  EXPECT_EQ(host.DirOf(CgroupController::kCpu), "");
  EXPECT_THAT(host.ProblemOf(CgroupController::kCpu),
              HasSubstr("the cpu controller"));
  EXPECT_THAT(host.ProblemOf(CgroupController::kCpu),
              HasSubstr("Delegate=yes"));
  EXPECT_EQ(host.ProblemOf(CgroupController::kMemory), "");
}

TEST(PlacementTest, MixedHostUsesTheUnifiedFreezerBecauseItIsThereAnyway) {
  const Host host(
      "30 29 0:26 / /cg/unified rw - cgroup2 cgroup2 rw\n"
      "36 29 0:32 / /cg/memory rw - cgroup cgroup rw,memory\n"
      "38 29 0:34 / /cg/freezer rw - cgroup cgroup rw,freezer\n"
      "39 29 0:35 / /cg/cpuacct rw - cgroup cgroup rw,cpuacct\n",
      "9:cpuacct:/\n8:freezer:/\n4:memory:/\n0::/\n", {"cpu", "pids"});
  EXPECT_EQ(host.DirOf(CgroupController::kMemory), "/cg/memory");
  EXPECT_EQ(host.DirOf(CgroupController::kPids), "/cg/unified");
  EXPECT_EQ(host.DirOf(CgroupController::kCpu), "/cg/unified");
  EXPECT_EQ(host.DirOf(CgroupController::kFreezer), "/cg/unified");
  EXPECT_EQ(host.DirOf(CgroupController::kCpuacct), "/cg/unified");
}

TEST(PlacementTest, UnifiedHierarchyFreezesWhereVersion1CannotFreeze) {
  const Host host(
      "30 29 0:26 / /cg/unified rw - cgroup2 cgroup2 rw\n"
      "36 29 0:32 / /cg/memory rw - cgroup cgroup rw,memory\n",
      "4:memory:/\n0::/\n");
  EXPECT_EQ(host.DirOf(CgroupController::kFreezer), "/cg/unified");
  EXPECT_EQ(host.DirOf(CgroupController::kMemory), "/cg/memory");
  EXPECT_THAT(host.ProblemOf(CgroupController::kPids), HasSubstr("pids"));
}

TEST(PlacementTest, ContainerWithTheGroupsOfItsHostFindsItsOwn) {
  // Version 1: the runtime mounts the container's own part of the hierarchy.
  const Host v1(
      "1203 1197 0:33 /docker/5f2 /sys/fs/cgroup/memory ro,nosuid master:19 - "
      "cgroup cgroup rw,memory\n",
      "4:memory:/docker/5f2\n");
  EXPECT_EQ(v1.DirOf(CgroupController::kMemory), "/sys/fs/cgroup/memory");

  // The whole of it, mounted inside: the own path leads on.
  const Host v2("90 80 0:26 / /run/cg2 rw - cgroup2 none rw\n",
                "0::/docker/5f2\n", {"memory", "pids", "cpu"});
  EXPECT_EQ(v2.DirOf(CgroupController::kMemory), "/run/cg2/docker/5f2");
}

TEST(PlacementTest, ContainerWithGroupsOfItsOwnSeesThemAsRoot) {
  const Host host(
      "1203 1197 0:33 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n",
      "0::/\n", {"memory", "pids", "cpu"});
  EXPECT_EQ(host.DirOf(CgroupController::kMemory), "/sys/fs/cgroup");
}

TEST(PlacementTest, MountOfAnotherPartOfTheHierarchyIsAProblem) {
  const Host host(
      "1203 1197 0:33 /other /cg/memory rw - cgroup cgroup rw,memory\n",
      "4:memory:/docker/5f2\n");
  EXPECT_EQ(host.DirOf(CgroupController::kMemory), "");
  EXPECT_THAT(host.ProblemOf(CgroupController::kMemory),
              HasSubstr("/cg/memory, but that shows /other"));
}

TEST(PlacementTest, WritableMountsArePreferred) {
  const std::vector<Hierarchy> found = FindHierarchies(
      ParseMounts("1 2 0:33 / /a ro - cgroup cgroup rw,memory\n"
                  "1 2 0:33 / /b rw - cgroup cgroup rw,memory\n"
                  "1 2 0:33 / /c rw - cgroup cgroup rw,memory\n"),
      ParseMemberships("4:memory:/\n"));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].dir, "/b");
}

// A launcher started again by a parent that has been moved out of the way.
TEST(PlacementTest, ProcessInTheLeafBelongsToTheGroupAbove) {
  const Host host(kUnifiedMounts, "0::/system.slice/so.service/so-main\n",
                  {"memory", "pids", "cpu"});
  EXPECT_EQ(host.DirOf(CgroupController::kMemory),
            "/sys/fs/cgroup/system.slice/so.service");
}

TEST(PlacementTest, HostWithoutCgroupsSaysWhatToMount) {
  const Host host("", "");
  EXPECT_THAT(host.ProblemOf(CgroupController::kMemory),
              HasSubstr("mount -t cgroup2"));
}

}  // namespace
}  // namespace so::cgroups
