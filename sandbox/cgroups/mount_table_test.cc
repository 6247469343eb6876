#include "sandbox/cgroups/mount_table.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so::cgroups {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

TEST(MountTableTest, ReadsAHostWithBothVersions) {
  const std::vector<CgroupMount> mounts = ParseMounts(
      "23 28 0:22 / /proc rw,nosuid,nodev,noexec,relatime shared:14 - proc "
      "proc rw\n"
      "29 25 0:25 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:9 - tmpfs "
      "tmpfs ro,mode=755\n"
      "30 29 0:26 / /sys/fs/cgroup/unified rw,nosuid,nodev,noexec,relatime "
      "shared:10 - cgroup2 cgroup2 rw\n"
      "31 29 0:27 / /sys/fs/cgroup/systemd rw,nosuid,nodev,noexec,relatime "
      "shared:11 - cgroup cgroup rw,xattr,name=systemd\n"
      "35 29 0:31 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid,nodev,noexec,relatime "
      "shared:16 - cgroup cgroup rw,cpu,cpuacct\n");
  ASSERT_EQ(mounts.size(), 3u);
  EXPECT_EQ(mounts[0].version, CgroupVersion::kV2);
  EXPECT_EQ(mounts[0].mount_point, "/sys/fs/cgroup/unified");
  EXPECT_FALSE(mounts[0].read_only);
  EXPECT_THAT(mounts[1].controllers, Contains("name=systemd"));
  EXPECT_EQ(mounts[2].version, CgroupVersion::kV1);
  EXPECT_EQ(mounts[2].root, "/");
  EXPECT_THAT(mounts[2].controllers, Contains("cpu"));
  EXPECT_THAT(mounts[2].controllers, Contains("cpuacct"));
}

TEST(MountTableTest, SeesReadOnlyMountsOfContainers) {
  const std::vector<CgroupMount> mounts = ParseMounts(
      "1203 1197 0:33 /docker/5f2 /sys/fs/cgroup/memory "
      "ro,nosuid,nodev,noexec,relatime master:19 - cgroup cgroup rw,memory\n");
  ASSERT_EQ(mounts.size(), 1u);
  EXPECT_TRUE(mounts[0].read_only);
  EXPECT_EQ(mounts[0].root, "/docker/5f2");
}

TEST(MountTableTest, UnescapesPaths) {
  const std::vector<CgroupMount> mounts = ParseMounts(
      "31 29 0:27 / /mnt/a\\040b\\134c rw - cgroup2 none rw,nsdelegate\n");
  ASSERT_EQ(mounts.size(), 1u);
  EXPECT_EQ(mounts[0].mount_point, "/mnt/a b\\c");
}

TEST(MountTableTest, PassesOverWhatItDoesNotUnderstand) {
  EXPECT_THAT(ParseMounts(""), IsEmpty());
  EXPECT_THAT(ParseMounts("\n - \n1 2 3 - cgroup2\n31 29 - cgroup2 a rw\n"),
              IsEmpty());
  EXPECT_THAT(ParseMemberships("nonsense\n1:memory\n"), IsEmpty());
}

TEST(MountTableTest, ReadsMemberships) {
  const std::vector<CgroupMembership> memberships = ParseMemberships(
      "12:cpu,cpuacct:/user.slice\n"
      "1:name=systemd:/user.slice/user-0.slice/session-1.scope\n"
      "0::/user.slice/a:b\n");
  ASSERT_EQ(memberships.size(), 3u);
  EXPECT_EQ(memberships[0].version, CgroupVersion::kV1);
  EXPECT_THAT(memberships[0].controllers, ElementsAre("cpu", "cpuacct"));
  EXPECT_EQ(memberships[2].version, CgroupVersion::kV2);
  EXPECT_EQ(memberships[2].group, "/user.slice/a:b");
}

TEST(MountTableTest, FindsTheDirectoryOfAGroup) {
  const CgroupMount whole{.root = "/", .mount_point = "/sys/fs/cgroup"};
  EXPECT_THAT(DirectoryOf(whole, "/"), Optional<std::string>("/sys/fs/cgroup"));
  EXPECT_THAT(DirectoryOf(whole, "/system.slice/a.service"),
              Optional<std::string>("/sys/fs/cgroup/system.slice/a.service"));

  const CgroupMount part{.root = "/docker/5f2", .mount_point = "/cg"};
  EXPECT_THAT(DirectoryOf(part, "/docker/5f2"), Optional<std::string>("/cg"));
  EXPECT_THAT(DirectoryOf(part, "/docker/5f2/x"),
              Optional<std::string>("/cg/x"));
  EXPECT_EQ(DirectoryOf(part, "/docker/5f23"), std::nullopt);
  EXPECT_EQ(DirectoryOf(part, "/"), std::nullopt);
}

TEST(MountTableTest, SeesNothingAcrossCgroupNamespaces) {
  const CgroupMount outer{.root = "/../..", .mount_point = "/cg"};
  EXPECT_EQ(DirectoryOf(outer, "/"), std::nullopt);
  const CgroupMount whole{.root = "/", .mount_point = "/cg"};
  EXPECT_EQ(DirectoryOf(whole, "/../sibling"), std::nullopt);
}

}  // namespace
}  // namespace so::cgroups
