#include "services/pool/usable_memory.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace so {
namespace {

constexpr int64_t kMegabyte = 1 << 20;

// A limit file's number; the largest number when there is no limit.
int64_t ReadLimit(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  int64_t limit = 0;
  if (!(file >> text) || !absl::SimpleAtoi(text, &limit) || limit <= 0) {
    return INT64_MAX;
  }
  return limit;
}

// The lowest limit from `group` up to the root of the hierarchy: a container
// may show its own group as the root, or show the host's path.
int64_t LowestLimit(const std::string& root, std::string group,
                    const std::string& file) {
  int64_t lowest = ReadLimit(absl::StrCat(root, "/", file));
  while (group.size() > 1) {
    lowest = std::min(lowest, ReadLimit(absl::StrCat(root, group, "/", file)));
    group.resize(group.rfind('/'));
  }
  return lowest;
}

int64_t CgroupLimit() {
  std::ifstream groups("/proc/self/cgroup");
  int64_t lowest = INT64_MAX;
  // "4:memory:/path" (v1) and "0::/path" (v2).
  for (std::string line; std::getline(groups, line);) {
    const std::vector<std::string> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    if (parts[1] == "memory") {
      lowest = std::min(lowest, LowestLimit("/sys/fs/cgroup/memory", parts[2],
                                            "memory.limit_in_bytes"));
    } else if (parts[0] == "0") {
      lowest = std::min(lowest,
                        LowestLimit("/sys/fs/cgroup", parts[2], "memory.max"));
    }
  }
  return lowest;
}

}  // namespace

int UsableMemory() {
  const int64_t machine =
      int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  return static_cast<int>(std::min(machine, CgroupLimit()) / kMegabyte);
}

}  // namespace so
