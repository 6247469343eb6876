#include "services/pool/sandbox_meter.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace so {
namespace {

constexpr double kMegabyte = 1 << 20;
// Enough for the ids of 500 processes.
constexpr size_t kMaxBytes = 4096;

struct Text {
  char bytes[kMaxBytes];
  absl::string_view view;
};

void ReadFrom(int fd, Text& text) {
  const ssize_t got = pread(fd, text.bytes, sizeof(text.bytes), 0);
  text.view = absl::string_view(text.bytes, std::max<ssize_t>(got, 0));
}

// Opened anew, because version 1 of the cgroups shows an open file the same
// list again for a second.
int CountProcesses(int fd) {
  const UniqueFd fresh(
      open(absl::StrCat("/proc/self/fd/", fd).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fresh.valid()) return 0;
  Text text;
  ReadFrom(fresh.get(), text);
  return CountLines(text.view);
}

}  // namespace

SandboxUsage MeasureSandbox(const SandboxHandles& handles, SandboxUsage last) {
  Text text;
  if (handles.memory.valid()) {
    ReadFrom(handles.memory.get(), text);
    last.memory = std::max(last.memory, ParseMegabytes(text.view));
  }
  if (handles.cpu.valid()) {
    ReadFrom(handles.cpu.get(), text);
    last.cpu = std::max(last.cpu, ParseCpuTime(text.view, handles.cpu_dialect));
  }
  if (handles.processes.valid()) {
    last.processes = CountProcesses(handles.processes.get());
  }
  return last;
}

double ParseMegabytes(absl::string_view text) {
  uint64_t bytes = 0;
  if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(text), &bytes)) return -1;
  return static_cast<double>(bytes) / kMegabyte;
}

absl::Duration ParseCpuTime(absl::string_view text,
                            launcher::Parked::Dialect dialect) {
  int64_t number = 0;
  if (dialect == launcher::Parked::kV1) {
    if (absl::SimpleAtoi(absl::StripAsciiWhitespace(text), &number)) {
      return absl::Nanoseconds(number);
    }
    return -absl::Nanoseconds(1);
  }
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::ConsumePrefix(&line, "usage_usec ") &&
        absl::SimpleAtoi(line, &number)) {
      return absl::Microseconds(number);
    }
  }
  return -absl::Nanoseconds(1);
}

int CountLines(absl::string_view text) {
  return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace so
