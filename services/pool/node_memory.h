#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace so {

// In MB.
struct MemoryReading {
  int64_t total = 0;
  int64_t available = 0;

  // 0 to 1.
  double share() const {
    return total <= 0
               ? 1
               : static_cast<double>(available) / static_cast<double>(total);
  }
};

// How much memory is really left, whatever has been promised.
class NodeMemory {
 public:
  virtual ~NodeMemory() = default;
  // Nothing when it cannot be told. Cheap: some small files are read.
  virtual std::optional<MemoryReading> Read() const = 0;
};

// The scarcest of the machine (MemAvailable) and the limits of this process's
// cgroups (v1 or v2), where file cache that can be dropped counts as available.
class SystemMemory final : public NodeMemory {
 public:
  // Directories, for tests.
  explicit SystemMemory(std::string proc = "/proc",
                        std::string cgroups = "/sys/fs/cgroup")
      : proc_(std::move(proc)), cgroups_(std::move(cgroups)) {}

  std::optional<MemoryReading> Read() const override;

 private:
  const std::string proc_;
  const std::string cgroups_;
};

}  // namespace so
