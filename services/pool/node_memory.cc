#include "services/pool/node_memory.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace so {
namespace {

constexpr int64_t kMegabyte = 1 << 20;
// What cgroups v1 says for "no limit" is near the largest number.
constexpr int64_t kNoLimit = int64_t{1} << 60;

// The number after `key` in lines such as "MemAvailable:  123 kB".
std::optional<int64_t> Field(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    int64_t value = 0;
    if (words >> name >> value && name == key) return value;
  }
  return std::nullopt;
}

std::optional<int64_t> Number(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  int64_t value = 0;
  if (!(file >> text) || !absl::SimpleAtoi(text, &value)) return std::nullopt;
  return value;
}

// Names of files in a cgroup.
struct Layout {
  std::string limit;
  std::string usage;
  // In memory.stat: cache that nothing uses now.
  std::string cache;
};

std::optional<MemoryReading> ReadGroup(const std::string& dir,
                                       const Layout& layout) {
  const auto limit = Number(absl::StrCat(dir, "/", layout.limit));
  const auto usage = Number(absl::StrCat(dir, "/", layout.usage));
  if (!limit || !usage || *limit <= 0 || *limit >= kNoLimit) {
    return std::nullopt;
  }
  const int64_t cache =
      Field(absl::StrCat(dir, "/memory.stat"), layout.cache).value_or(0);
  const int64_t available = *limit - *usage + std::min(cache, *usage);
  return MemoryReading{
      .total = *limit / kMegabyte,
      .available = std::clamp<int64_t>(available, 0, *limit) / kMegabyte};
}

// Keeps the one of which less is left.
void Narrow(std::optional<MemoryReading>& scarcest,
            const std::optional<MemoryReading>& reading) {
  if (reading && (!scarcest || reading->share() < scarcest->share())) {
    scarcest = reading;
  }
}

// From `group` up to the root of the hierarchy: a container may show its own
// group as the root, or show the host's path.
void NarrowByGroups(const std::string& root, std::string group,
                    const Layout& layout,
                    std::optional<MemoryReading>& scarcest) {
  while (group.size() > 1) {
    Narrow(scarcest, ReadGroup(absl::StrCat(root, group), layout));
    group.resize(group.rfind('/'));
  }
  Narrow(scarcest, ReadGroup(root, layout));
}

}  // namespace

std::optional<MemoryReading> SystemMemory::Read() const {
  std::optional<MemoryReading> scarcest;
  const std::string meminfo = absl::StrCat(proc_, "/meminfo");
  const auto total = Field(meminfo, "MemTotal:");
  const auto available = Field(meminfo, "MemAvailable:");
  if (total && available) {
    scarcest =
        MemoryReading{.total = *total / 1024, .available = *available / 1024};
  }
  std::ifstream groups(absl::StrCat(proc_, "/self/cgroup"));
  // "4:memory:/path" (v1) and "0::/path" (v2).
  for (std::string line; std::getline(groups, line);) {
    const std::vector<std::string> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    if (parts[1] == "memory") {
      NarrowByGroups(absl::StrCat(cgroups_, "/memory"), parts[2],
                     {.limit = "memory.limit_in_bytes",
                      .usage = "memory.usage_in_bytes",
                      .cache = "total_inactive_file"},
                     scarcest);
    } else if (parts[0] == "0") {
      NarrowByGroups(cgroups_, parts[2],
                     {.limit = "memory.max",
                      .usage = "memory.current",
                      .cache = "inactive_file"},
                     scarcest);
    }
  }
  return scarcest;
}

}  // namespace so
