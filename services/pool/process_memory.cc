#include "services/pool/process_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/unique_fd.h"

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

double PeakMemory(pid_t pid) {
  const UniqueFd fd(open(absl::StrCat("/proc/", pid, "/status").c_str(),
                         O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return 0;
  char buffer[4096];
  const ssize_t got = read(fd.get(), buffer, sizeof(buffer));
  return got > 0 ? ParsePeakMemory(absl::string_view(buffer, got)) : 0;
}

int UsableMemory() {
  const int64_t machine =
      int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  return static_cast<int>(std::min(machine, CgroupLimit()) / kMegabyte);
}

double ParsePeakMemory(absl::string_view status) {
  const size_t at = status.find("VmHWM:");
  if (at == absl::string_view::npos) return 0;
  absl::string_view line = status.substr(at + 6);
  line = line.substr(0, line.find('\n'));
  int64_t kilobytes = 0;
  if (!absl::SimpleAtoi(
          absl::StripSuffix(absl::StripAsciiWhitespace(line), "kB"),
          &kilobytes)) {
    return 0;
  }
  return static_cast<double>(kilobytes) / 1024;
}

}  // namespace so
