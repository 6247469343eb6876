#include "sandbox/cgroups/placement.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

namespace so::cgroups {
namespace {

bool Contains(const std::vector<std::string>& names, absl::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The options of a v1 mount contain the controllers, and more.
bool Mounts(const CgroupMount& mount, const CgroupMembership& membership) {
  if (mount.version != membership.version) return false;
  return mount.version == CgroupVersion::kV2 ||
         std::all_of(membership.controllers.begin(),
                     membership.controllers.end(),
                     [&](const std::string& controller) {
                       return Contains(mount.controllers, controller);
                     });
}

std::string Describe(const CgroupMembership& membership) {
  return membership.version == CgroupVersion::kV2
             ? "the cgroup2 hierarchy"
             : absl::StrCat("the cgroup hierarchy of ",
                            absl::StrJoin(membership.controllers, ","));
}

Hierarchy FindHierarchy(const std::vector<CgroupMount>& mounts,
                        const CgroupMembership& membership) {
  absl::string_view group = membership.group;
  if (membership.version == CgroupVersion::kV2)
    absl::ConsumeSuffix(&group, absl::StrCat("/", kMainLeaf));
  Hierarchy found{.version = membership.version};
  if (membership.version == CgroupVersion::kV1)
    found.controllers = membership.controllers;
  found.problem = absl::StrCat(Describe(membership), " is not mounted");
  for (const CgroupMount& mount : mounts) {
    if (!Mounts(mount, membership)) continue;
    const std::optional<std::string> dir = DirectoryOf(mount, group);
    if (dir.has_value() && (found.dir.empty() || found.read_only)) {
      found.mount_point = mount.mount_point;
      found.read_only = mount.read_only;
      found.dir = *dir;
      found.problem.clear();
    } else if (found.dir.empty()) {
      found.problem = absl::StrCat(
          Describe(membership), " is mounted at ", mount.mount_point,
          ", but that shows ", mount.root, " and this process is in ",
          membership.group,
          "; mount it anew, or start this in a cgroup namespace of its own");
    }
  }
  return found;
}

Place OnHierarchy(int index) { return Place{.hierarchy = index}; }

// Finds `controller` wherever it is.
Place Find(const std::vector<Hierarchy>& hierarchies,
           absl::string_view controller) {
  Place place;
  for (size_t i = 0; i < hierarchies.size(); ++i) {
    if (!Contains(hierarchies[i].controllers, controller)) continue;
    if (hierarchies[i].problem.empty()) return OnHierarchy(i);
    place.problem = hierarchies[i].problem;
  }
  if (!place.problem.empty()) return place;
  for (const Hierarchy& hierarchy : hierarchies) {
    if (hierarchy.version != CgroupVersion::kV2 || hierarchy.dir.empty())
      continue;
    place.problem = absl::StrCat(
        "no v1 hierarchy has the ", controller, " controller, and ",
        hierarchy.dir,
        "/cgroup.controllers does not list it; enable it in the "
        "cgroup.subtree_control of the groups above (under systemd: "
        "Delegate=yes in the unit, or systemd-run --scope -p Delegate=yes)");
    return place;
  }
  place.problem = absl::StrCat(
      "no mounted cgroup hierarchy has the ", controller,
      " controller; mount one (mount -t cgroup2 none /sys/fs/cgroup), and "
      "enable the controller if the kernel's command line disables it");
  return place;
}

int UnifiedHierarchy(const std::vector<Hierarchy>& hierarchies) {
  for (size_t i = 0; i < hierarchies.size(); ++i) {
    if (hierarchies[i].version == CgroupVersion::kV2 &&
        hierarchies[i].problem.empty())
      return i;
  }
  return -1;
}

}  // namespace

absl::string_view ControllerName(CgroupController controller) {
  switch (controller) {
    case CgroupController::kMemory:
      return "memory";
    case CgroupController::kPids:
      return "pids";
    case CgroupController::kCpu:
      return "cpu";
    case CgroupController::kCpuacct:
      return "cpuacct";
    case CgroupController::kFreezer:
      return "freezer";
  }
  return "";
}

std::vector<Hierarchy> FindHierarchies(
    const std::vector<CgroupMount>& mounts,
    const std::vector<CgroupMembership>& memberships) {
  std::vector<Hierarchy> hierarchies;
  for (const CgroupMembership& membership : memberships)
    hierarchies.push_back(FindHierarchy(mounts, membership));
  return hierarchies;
}

std::array<Place, kCgroupControllers> PlaceControllers(
    const std::vector<Hierarchy>& hierarchies) {
  std::array<Place, kCgroupControllers> places;
  const auto at = [&places](CgroupController controller) -> Place& {
    return places[static_cast<int>(controller)];
  };
  const int unified = UnifiedHierarchy(hierarchies);
  bool unified_used = false;
  for (const CgroupController controller :
       {CgroupController::kMemory, CgroupController::kPids,
        CgroupController::kCpu}) {
    Place& place = at(controller);
    place = Find(hierarchies, ControllerName(controller));
    unified_used |= place.hierarchy >= 0 && place.hierarchy == unified;
  }
  // The unified hierarchy freezes and counts time without any controller, but
  // entering it waits for an RCU grace period: where sandboxes need not be in
  // it anyway, v1 serves better.
  Place freezer = Find(hierarchies, "freezer");
  unified_used |= unified >= 0 && freezer.hierarchy < 0;
  const bool on_unified = unified >= 0 && unified_used;
  at(CgroupController::kFreezer) = on_unified ? OnHierarchy(unified) : freezer;
  at(CgroupController::kCpuacct) =
      on_unified ? OnHierarchy(unified) : Find(hierarchies, "cpuacct");
  return places;
}

}  // namespace so::cgroups
