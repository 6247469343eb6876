#include "sandbox/cgroups/grouped_sandbox.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "sandbox/cgroups/control_file.h"
#include "sandbox/cgroups/group_kill.h"

namespace so::cgroups {

absl::StatusOr<std::unique_ptr<SandboxCgroup>> GroupedSandbox::Create(
    std::vector<std::unique_ptr<Group>> groups, const CgroupLimits& limits) {
  auto sandbox = absl::WrapUnique(new GroupedSandbox(std::move(groups)));
  if (absl::Status made = sandbox->Make(limits); !made.ok()) {
    sandbox->Remove().IgnoreError();
    return made;
  }
  return sandbox;
}

GroupedSandbox::GroupedSandbox(std::vector<std::unique_ptr<Group>> groups)
    : groups_(std::move(groups)) {
  for (const std::unique_ptr<Group>& group : groups_) {
    for (int i = 0; i < kCgroupControllers; ++i) {
      if (group->controllers().test(i)) serving_[i] = group.get();
    }
  }
}

absl::Status GroupedSandbox::Make(const CgroupLimits& limits) {
  for (const std::unique_ptr<Group>& group : groups_) {
    if (mkdir(group->dir().c_str(), 0755) != 0)
      return absl::ErrnoToStatus(errno, absl::StrCat("mkdir ", group->dir()));
    SO_RETURN_IF_ERROR(group->Prepare());
    SO_RETURN_IF_ERROR(group->SetLimits(limits));
    SO_ASSIGN_OR_RETURN(UniqueFd entrance, group->OpenEntrance());
    entrances_.push_back(std::move(entrance));
  }
  return absl::OkStatus();
}

absl::Status GroupedSandbox::SetLimits(const CgroupLimits& limits) {
  for (const std::unique_ptr<Group>& group : groups_)
    SO_RETURN_IF_ERROR(group->SetLimits(limits));
  return absl::OkStatus();
}

absl::StatusOr<UniqueFd> GroupedSandbox::OpenFreezer() const {
  const Group* group = Serving(CgroupController::kFreezer);
  return group == nullptr ? UniqueFd() : group->OpenFreezer();
}

absl::StatusOr<UniqueFd> GroupedSandbox::OpenMemoryPeak() const {
  const Group* group = Serving(CgroupController::kMemory);
  return group == nullptr ? UniqueFd() : group->OpenMemoryPeak();
}

absl::StatusOr<UniqueFd> GroupedSandbox::OpenCpuUsage() const {
  const Group* group = Serving(CgroupController::kCpuacct);
  return group == nullptr ? UniqueFd() : group->OpenCpuUsage();
}

absl::StatusOr<UniqueFd> GroupedSandbox::OpenProcesses() const {
  if (groups_.empty()) return UniqueFd();
  return OpenFile(absl::StrCat(groups_.front()->dir(), "/cgroup.procs"),
                  O_RDONLY);
}

uint64_t GroupedSandbox::OutOfMemoryKills() const {
  const Group* group = Serving(CgroupController::kMemory);
  return group == nullptr ? 0 : group->OutOfMemoryKills();
}

uint64_t GroupedSandbox::MemoryPeakBytes() const {
  const Group* group = Serving(CgroupController::kMemory);
  return group == nullptr ? 0 : group->MemoryPeakBytes();
}

uint64_t GroupedSandbox::CpuNanos() const {
  const Group* group = Serving(CgroupController::kCpuacct);
  return group == nullptr ? 0 : group->CpuNanos();
}

absl::Status GroupedSandbox::Thaw() {
  Group* const group = Serving(CgroupController::kFreezer);
  return group == nullptr ? absl::OkStatus() : group->Thaw();
}

// In every group: one stops forks, another thaws, and a process may have been
// killed while entering them one after the other.
absl::Status GroupedSandbox::Kill() {
  absl::Status result;
  for (const std::unique_ptr<Group>& group : groups_) {
    const absl::Status killed = KillProcesses(group->dir());
    if (!absl::IsNotFound(killed)) result.Update(killed);
  }
  return result;
}

absl::Status GroupedSandbox::Remove() {
  absl::Status result;
  for (const std::unique_ptr<Group>& group : groups_)
    result.Update(RemoveGroup(group->dir()));
  return result;
}

}  // namespace so::cgroups
