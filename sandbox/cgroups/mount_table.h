#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "sandbox/cgroups/cgroups.h"

// What /proc says of cgroups. Pure functions on text.
namespace so::cgroups {

// One line of /proc/self/mountinfo that mounts a hierarchy.
struct CgroupMount {
  CgroupVersion version = CgroupVersion::kNone;
  // v1: the controllers attached to the hierarchy, among other mount options.
  std::vector<std::string> controllers;
  // The group that is seen at mount_point, as /proc/self/cgroup names groups.
  std::string root;
  std::string mount_point;
  bool read_only = false;
};

// One line of /proc/self/cgroup.
struct CgroupMembership {
  CgroupVersion version = CgroupVersion::kNone;
  // v1: the controllers of the hierarchy.
  std::vector<std::string> controllers;
  std::string group;
};

std::vector<CgroupMount> ParseMounts(absl::string_view mountinfo);
std::vector<CgroupMembership> ParseMemberships(absl::string_view cgroup);

// The directory of `group` below `mount`, or nothing when the mount shows
// another part of the hierarchy.
std::optional<std::string> DirectoryOf(const CgroupMount& mount,
                                       absl::string_view group);

}  // namespace so::cgroups
