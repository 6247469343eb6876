#include <fcntl.h>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "sandbox/cgroups/control_file.h"
#include "sandbox/cgroups/group.h"

namespace so::cgroups {
namespace {

constexpr uint64_t kCpuPeriodMicros = 100'000;

class V2Group final : public Group {
 public:
  V2Group(std::string dir, ControllerSet controllers)
      : Group(std::move(dir), controllers) {}

  absl::Status Prepare() override {
    if (!Has(controllers(), CgroupController::kMemory)) return absl::OkStatus();
    // One process too big for the group ends all of it.
    SO_RETURN_IF_ERROR(WriteFile(File("memory.oom.group"), "1"));
    const absl::Status swap = WriteFile(File("memory.swap.max"), "0");
    return absl::IsNotFound(swap) ? absl::OkStatus() : swap;  // No swap.
  }

  absl::Status SetLimits(const CgroupLimits& limits) override {
    if (limits.memory_bytes > 0 &&
        Has(controllers(), CgroupController::kMemory)) {
      SO_RETURN_IF_ERROR(
          WriteFile(File("memory.max"), absl::StrCat(limits.memory_bytes)));
    }
    if (limits.max_pids > 0 && Has(controllers(), CgroupController::kPids)) {
      SO_RETURN_IF_ERROR(
          WriteFile(File("pids.max"), absl::StrCat(limits.max_pids)));
    }
    if (limits.cpu_percent > 0 && Has(controllers(), CgroupController::kCpu)) {
      SO_RETURN_IF_ERROR(
          WriteFile(File("cpu.max"),
                    absl::StrCat(kCpuPeriodMicros * limits.cpu_percent / 100,
                                 " ", kCpuPeriodMicros)));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<UniqueFd> OpenEntrance() const override {
    return OpenFile(File("cgroup.procs"), O_WRONLY);
  }

  absl::StatusOr<UniqueFd> OpenFreezer() const override {
    return OpenFile(File("cgroup.freeze"), O_RDWR);
  }

  absl::StatusOr<UniqueFd> OpenMemoryPeak() const override {
    return OpenFile(PeakFile(), O_RDONLY);
  }

  absl::StatusOr<UniqueFd> OpenCpuUsage() const override {
    return OpenFile(File("cpu.stat"), O_RDONLY);
  }

  absl::Status Thaw() override { return WriteFile(File("cgroup.freeze"), "0"); }

  uint64_t OutOfMemoryKills() const override {
    return ReadKey(File("memory.events"), "oom_kill").value_or(0);
  }

  uint64_t MemoryPeakBytes() const override {
    return ReadNumber(PeakFile()).value_or(0);
  }

  uint64_t CpuNanos() const override {
    return ReadKey(File("cpu.stat"), "usage_usec").value_or(0) * 1000;
  }

 private:
  // Linux before 5.19 has no peak: what is in use has to do.
  std::string PeakFile() const {
    const std::string peak = File("memory.peak");
    return FileExists(peak) ? peak : File("memory.current");
  }
};

}  // namespace

std::unique_ptr<Group> MakeV2Group(std::string dir, ControllerSet controllers) {
  return std::make_unique<V2Group>(std::move(dir), controllers);
}

}  // namespace so::cgroups
