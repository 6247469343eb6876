#pragma once

#include <array>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "sandbox/cgroups/cgroups.h"
#include "sandbox/cgroups/mount_table.h"

// Decides which hierarchy serves which controller. Pure functions.
namespace so::cgroups {

// "memory", "pids", ...
absl::string_view ControllerName(CgroupController controller);

// One hierarchy this process is in.
struct Hierarchy {
  CgroupVersion version = CgroupVersion::kNone;
  // v1: attached to it; v2: what the group's cgroup.controllers offers, filled
  // in by the caller of FindHierarchies.
  std::vector<std::string> controllers;
  std::string mount_point;
  bool read_only = false;
  // Of the group below which the base group belongs.
  std::string dir;
  // Why it cannot be used; `dir` is empty then.
  std::string problem;
};

// The leaf of the unified hierarchy into which processes are moved out of the
// way. A process found in it belongs to the group above it.
inline constexpr absl::string_view kMainLeaf = "so-main";

std::vector<Hierarchy> FindHierarchies(
    const std::vector<CgroupMount>& mounts,
    const std::vector<CgroupMembership>& memberships);

struct Place {
  // Index into the hierarchies; -1 when the controller cannot be used.
  int hierarchy = -1;
  std::string problem;
};

std::array<Place, kCgroupControllers> PlaceControllers(
    const std::vector<Hierarchy>& hierarchies);

}  // namespace so::cgroups
