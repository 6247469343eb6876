#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace so {

// The cgroup controllers a sandbox uses. Each is found by itself, because a
// host may have some in v1 hierarchies and others in the unified one.
enum class CgroupController { kMemory, kPids, kCpu, kCpuacct, kFreezer };
inline constexpr int kCgroupControllers = 5;

enum class CgroupVersion { kNone, kV1, kV2 };

// A limit of 0 leaves what is set as it is.
struct CgroupLimits {
  uint64_t memory_bytes = 0;
  uint32_t max_pids = 0;
  // Hundredths of one processor.
  uint32_t cpu_percent = 0;
};

// The groups of one sandbox, one in each hierarchy. Destroying it does not
// remove them: Remove does, once no process is left in them.
class SandboxCgroup {
 public:
  virtual ~SandboxCgroup() = default;

  virtual absl::Status SetLimits(const CgroupLimits& limits) = 0;

  // Files into which a single-threaded process writes "0" to move itself here:
  // `tasks` of v1 hierarchies, `cgroup.procs` of the unified one. One each
  // hierarchy, owned by this.
  virtual const std::vector<UniqueFd>& entrances() const = 0;

  // Closes the entrances, for when nobody will enter any more.
  virtual void CloseEntrances() = 0;

  // For the pool; invalid when the controller is missing. Read them from offset
  // 0 each time. That is not enough for the processes: v1 shows an open file the
  // same list again for a second, so open /proc/self/fd/N anew for every look.
  virtual absl::StatusOr<UniqueFd> OpenFreezer() const = 0;
  virtual absl::StatusOr<UniqueFd> OpenMemoryPeak() const = 0;
  virtual absl::StatusOr<UniqueFd> OpenCpuUsage() const = 0;
  virtual absl::StatusOr<UniqueFd> OpenProcesses() const = 0;

  // How many processes the kernel has killed in it for want of memory.
  virtual uint64_t OutOfMemoryKills() const = 0;
  virtual uint64_t MemoryPeakBytes() const = 0;
  virtual uint64_t CpuNanos() const = 0;

  // Lets frozen processes run, so that they can be killed.
  virtual absl::Status Thaw() = 0;
  // Kills every process in it, frozen ones too. What has been killed may take a
  // moment to leave.
  virtual absl::Status Kill() = 0;
  // UNAVAILABLE while something is still in it.
  virtual absl::Status Remove() = 0;
};

// The cgroups of this machine as far as sandboxes use them, below one base
// group per hierarchy. Not thread-safe.
class Cgroups {
 public:
  struct Options {
    // Name of the base group in every hierarchy, below the group this process
    // is in.
    std::string base = "serverless-orchestrator";
    // For tests: where /proc and /sys/fs/cgroup are found.
    std::string proc_dir = "/proc";
  };

  // Finds the controllers, makes the base groups, and moves this process out of
  // the way where the unified hierarchy demands it. Controllers that cannot be
  // used are not an error here: version() tells.
  static absl::StatusOr<std::unique_ptr<Cgroups>> Discover(Options options);

  virtual ~Cgroups() = default;

  virtual CgroupVersion version(CgroupController controller) const = 0;
  // Why a controller cannot be used, and how to change that; empty when it can.
  virtual std::string problem(CgroupController controller) const = 0;

  // A new group with a generic limit of processes and no other; `name` is
  // unused so far.
  virtual absl::StatusOr<std::unique_ptr<SandboxCgroup>> Make(
      absl::string_view name) = 0;

  // Kills and removes everything below the base groups: leftovers of an earlier
  // life. Waits up to five seconds for the killed to leave.
  virtual absl::Status Sweep() = 0;
};

}  // namespace so
