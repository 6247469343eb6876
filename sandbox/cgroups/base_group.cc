#include "sandbox/cgroups/base_group.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "sandbox/cgroups/control_file.h"

namespace so::cgroups {
namespace {

absl::Status MakeGroup(const std::string& dir) {
  if (mkdir(dir.c_str(), 0755) == 0 || errno == EEXIST) return absl::OkStatus();
  const int error = errno;
  return absl::FailedPreconditionError(absl::StrCat(
      "cannot make ", dir, ": ", strerror(error),
      error == EACCES || error == EPERM ? "; run this as root" : ""));
}

// Containers see their hierarchies read-only, though only the mount is.
absl::Status MakeWritable(const Hierarchy& hierarchy) {
  if (!hierarchy.read_only) return absl::OkStatus();
  if (mount(nullptr, hierarchy.mount_point.c_str(), nullptr,
            MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC,
            nullptr) == 0 &&
      access(hierarchy.dir.c_str(), W_OK) == 0)
    return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      hierarchy.mount_point,
      " is mounted read-only and cannot be remounted: ", strerror(errno),
      "; give the container CAP_SYS_ADMIN, or mount it read-write"));
}

// Moves what is in `group` into its leaf. Processes that cannot be moved, such
// as kernel threads, and those that have ended meanwhile are passed over.
absl::Status ClearTheWay(const std::string& group) {
  const std::string leaf = absl::StrCat(group, "/", kMainLeaf);
  SO_RETURN_IF_ERROR(MakeGroup(leaf));
  SO_ASSIGN_OR_RETURN(const std::string processes,
                      ReadFile(absl::StrCat(group, "/cgroup.procs")));
  const std::string entrance = absl::StrCat(leaf, "/cgroup.procs");
  for (const absl::string_view pid :
       absl::StrSplit(processes, '\n', absl::SkipEmpty()))
    WriteFile(entrance, pid).IgnoreError();
  return absl::OkStatus();
}

// A process may appear in the group while the others are moved.
constexpr int kMoves = 3;

absl::Status EnableBelow(const std::string& group, absl::string_view name) {
  const std::string file = absl::StrCat(group, "/cgroup.subtree_control");
  absl::Status enabled = WriteFile(file, absl::StrCat("+", name));
  // EBUSY: only a group without processes may hand out controllers.
  for (int i = 0; i < kMoves && absl::IsFailedPrecondition(enabled); ++i) {
    SO_RETURN_IF_ERROR(ClearTheWay(group));
    enabled = WriteFile(file, absl::StrCat("+", name));
  }
  return enabled;
}

// Of a process, and the most a group may have.
struct Weights {
  const char* file;
  int64_t process;
  int64_t most;
};
constexpr Weights kV1Weights = {"/cpu.shares", 1024, 262'144};
constexpr Weights kV2Weights = {"/cpu.weight", 100, 10'000};

}  // namespace

absl::StatusOr<std::string> MakeBaseGroup(const Hierarchy& hierarchy,
                                          const std::string& name) {
  SO_RETURN_IF_ERROR(MakeWritable(hierarchy));
  std::string base = absl::StrCat(hierarchy.dir, "/", name);
  SO_RETURN_IF_ERROR(MakeGroup(base));
  return base;
}

absl::Status EnableController(const Hierarchy& hierarchy,
                              const std::string& base,
                              CgroupController controller) {
  const absl::string_view name = ControllerName(controller);
  for (const std::string& group : {hierarchy.dir, base}) {
    const absl::Status enabled = EnableBelow(group, name);
    if (enabled.ok()) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        "cannot enable the ", name, " controller below ", group, ": ",
        enabled.message(),
        "; give this a group of its own to manage (under systemd: Delegate=yes "
        "in the unit, or systemd-run --scope -p Delegate=yes)"));
  }
  return absl::OkStatus();
}

void SetBaseWeight(const Hierarchy& hierarchy, const std::string& base) {
  const Weights& weights =
      hierarchy.version == CgroupVersion::kV1 ? kV1Weights : kV2Weights;
  const int64_t processors = std::max(1L, sysconf(_SC_NPROCESSORS_ONLN));
  // Without it everything works, only slower beside busy neighbours.
  WriteFile(absl::StrCat(base, weights.file),
            absl::StrCat(std::min(weights.process * processors, weights.most)))
      .IgnoreError();
}

}  // namespace so::cgroups
