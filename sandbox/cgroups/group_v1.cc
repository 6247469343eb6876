#include <fcntl.h>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "sandbox/cgroups/control_file.h"
#include "sandbox/cgroups/group.h"

namespace so::cgroups {
namespace {

// What every new group has.
constexpr uint64_t kCpuPeriodMicros = 100'000;

class V1Group final : public Group {
 public:
  V1Group(std::string dir, ControllerSet controllers)
      : Group(std::move(dir), controllers) {}

  absl::Status Prepare() override { return absl::OkStatus(); }

  absl::Status SetLimits(const CgroupLimits& limits) override {
    if (limits.memory_bytes > 0 &&
        Has(controllers(), CgroupController::kMemory))
      SO_RETURN_IF_ERROR(SetMemory(absl::StrCat(limits.memory_bytes)));
    if (limits.max_pids > 0 && Has(controllers(), CgroupController::kPids)) {
      SO_RETURN_IF_ERROR(
          WriteFile(File("pids.max"), absl::StrCat(limits.max_pids)));
    }
    if (limits.cpu_percent > 0 && Has(controllers(), CgroupController::kCpu))
      SO_RETURN_IF_ERROR(SetCpu(limits.cpu_percent));
    return absl::OkStatus();
  }

  absl::StatusOr<UniqueFd> OpenEntrance() const override {
    // Moving one thread is some fifty times quicker than moving a process,
    // which `cgroup.procs` does.
    return OpenFile(File("tasks"), O_WRONLY);
  }

  absl::StatusOr<UniqueFd> OpenFreezer() const override {
    return OpenFile(File("freezer.state"), O_RDWR);
  }

  absl::StatusOr<UniqueFd> OpenMemoryPeak() const override {
    return OpenFile(File("memory.max_usage_in_bytes"), O_RDONLY);
  }

  absl::StatusOr<UniqueFd> OpenCpuUsage() const override {
    return OpenFile(File("cpuacct.usage"), O_RDONLY);
  }

  absl::Status Thaw() override {
    return WriteFile(File("freezer.state"), "THAWED");
  }

  uint64_t OutOfMemoryKills() const override {
    return ReadKey(File("memory.oom_control"), "oom_kill").value_or(0);
  }

  uint64_t MemoryPeakBytes() const override {
    return ReadNumber(File("memory.max_usage_in_bytes")).value_or(0);
  }

  uint64_t CpuNanos() const override {
    return ReadNumber(File("cpuacct.usage")).value_or(0);
  }

 private:
  // The limit of memory must at no time be above that of memory and swap. So
  // what is lowered starts with the one, what is raised with the other.
  absl::Status SetMemory(const std::string& bytes) {
    const std::string memory = File("memory.limit_in_bytes");
    const std::string with_swap = File("memory.memsw.limit_in_bytes");
    const absl::Status lowered = WriteFile(memory, bytes);
    const absl::Status both = WriteFile(with_swap, bytes);
    if (absl::IsNotFound(both)) {
      SO_RETURN_IF_ERROR(lowered);
      return WriteFile(File("memory.swappiness"), "0");
    }
    SO_RETURN_IF_ERROR(both);
    return lowered.ok() ? lowered : WriteFile(memory, bytes);
  }

  absl::Status SetCpu(uint32_t percent) {
    const std::string quota = File("cpu.cfs_quota_us");
    const absl::Status status =
        WriteFile(quota, absl::StrCat(kCpuPeriodMicros * percent / 100));
    // More than a group above has: that one's limit holds.
    if (absl::IsInvalidArgument(status)) return WriteFile(quota, "-1");
    return status;
  }
};

}  // namespace

std::unique_ptr<Group> MakeV1Group(std::string dir, ControllerSet controllers) {
  return std::make_unique<V1Group>(std::move(dir), controllers);
}

}  // namespace so::cgroups
