#pragma once

#include <array>
#include <memory>
#include <vector>

#include "sandbox/cgroups/cgroups.h"
#include "sandbox/cgroups/group.h"

namespace so::cgroups {

// A sandbox's group in each hierarchy that serves a controller.
class GroupedSandbox final : public SandboxCgroup {
 public:
  // Makes the directories of the groups, gives them `limits`, and opens their
  // entrances. What has been made is removed again when a step fails.
  static absl::StatusOr<std::unique_ptr<SandboxCgroup>> Create(
      std::vector<std::unique_ptr<Group>> groups, const CgroupLimits& limits);

  absl::Status SetLimits(const CgroupLimits& limits) override;
  const std::vector<UniqueFd>& entrances() const override { return entrances_; }
  void CloseEntrances() override { entrances_.clear(); }

  absl::StatusOr<UniqueFd> OpenFreezer() const override;
  absl::StatusOr<UniqueFd> OpenMemoryPeak() const override;
  absl::StatusOr<UniqueFd> OpenCpuUsage() const override;
  absl::StatusOr<UniqueFd> OpenProcesses() const override;

  uint64_t OutOfMemoryKills() const override;
  uint64_t MemoryPeakBytes() const override;
  uint64_t CpuNanos() const override;

  absl::Status Thaw() override;
  absl::Status Kill() override;
  absl::Status Remove() override;

 private:
  explicit GroupedSandbox(std::vector<std::unique_ptr<Group>> groups);

  absl::Status Make(const CgroupLimits& limits);
  // The group that serves a controller; null when none does.
  Group* Serving(CgroupController controller) const {
    return serving_[static_cast<int>(controller)];
  }

  const std::vector<std::unique_ptr<Group>> groups_;
  std::array<Group*, kCgroupControllers> serving_ = {};
  std::vector<UniqueFd> entrances_;
};

}  // namespace so::cgroups
