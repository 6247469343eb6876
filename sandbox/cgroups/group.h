#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "sandbox/cgroups/cgroups.h"

namespace so::cgroups {

// Which controllers a group serves.
using ControllerSet = std::bitset<kCgroupControllers>;

inline bool Has(const ControllerSet& set, CgroupController controller) {
  return set.test(static_cast<size_t>(controller));
}

// One group of one hierarchy: the files of v1 and v2 behind one face. Methods
// about a controller are only called when the group serves it.
class Group {
 public:
  virtual ~Group() = default;

  const std::string& dir() const { return dir_; }
  const ControllerSet& controllers() const { return controllers_; }

  // Once, on a group just made.
  virtual absl::Status Prepare() = 0;
  // Those of the controllers it serves.
  virtual absl::Status SetLimits(const CgroupLimits& limits) = 0;

  virtual absl::StatusOr<UniqueFd> OpenEntrance() const = 0;
  virtual absl::StatusOr<UniqueFd> OpenFreezer() const = 0;
  virtual absl::StatusOr<UniqueFd> OpenMemoryPeak() const = 0;
  virtual absl::StatusOr<UniqueFd> OpenCpuUsage() const = 0;
  virtual absl::Status Thaw() = 0;

  // 0 when they cannot be read.
  virtual uint64_t OutOfMemoryKills() const = 0;
  virtual uint64_t MemoryPeakBytes() const = 0;
  virtual uint64_t CpuNanos() const = 0;

 protected:
  Group(std::string dir, ControllerSet controllers)
      : dir_(std::move(dir)), controllers_(controllers) {}

  std::string File(const char* name) const { return dir_ + "/" + name; }

 private:
  const std::string dir_;
  const ControllerSet controllers_;
};

// For the directory `dir` of an existing group.
std::unique_ptr<Group> MakeV1Group(std::string dir, ControllerSet controllers);
std::unique_ptr<Group> MakeV2Group(std::string dir, ControllerSet controllers);

}  // namespace so::cgroups
