#include "sandbox/cgroups/control_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"

namespace so::cgroups {

absl::StatusOr<UniqueFd> OpenFile(const std::string& path, int flags) {
  UniqueFd fd(open(path.c_str(), flags | O_CLOEXEC));
  if (!fd.valid())
    return absl::ErrnoToStatus(errno, absl::StrCat("open ", path));
  return fd;
}

absl::Status WriteFile(const std::string& path, absl::string_view text) {
  SO_ASSIGN_OR_RETURN(const UniqueFd fd, OpenFile(path, O_WRONLY | O_TRUNC));
  if (write(fd.get(), text.data(), text.size()) < 0) {
    return absl::ErrnoToStatus(errno,
                               absl::StrCat("write ", text, " to ", path));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  SO_ASSIGN_OR_RETURN(const UniqueFd fd, OpenFile(path, O_RDONLY));
  std::string text;
  char buffer[4096];
  while (true) {
    const ssize_t got = read(fd.get(), buffer, sizeof(buffer));
    if (got < 0) return absl::ErrnoToStatus(errno, absl::StrCat("read ", path));
    if (got == 0) return text;
    text.append(buffer, got);
  }
}

std::optional<uint64_t> ReadNumber(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  uint64_t number = 0;
  if (!text.ok() || !absl::SimpleAtoi(*text, &number)) return std::nullopt;
  return number;
}

std::optional<uint64_t> ReadKey(const std::string& path,
                                absl::string_view key) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return std::nullopt;
  return FindKey(*text, key);
}

std::optional<uint64_t> FindKey(absl::string_view text, absl::string_view key) {
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::pair<absl::string_view, absl::string_view> fields =
        absl::StrSplit(line, absl::MaxSplits(' ', 1));
    uint64_t number = 0;
    if (fields.first == key && absl::SimpleAtoi(fields.second, &number))
      return number;
  }
  return std::nullopt;
}

bool FileExists(const std::string& path) {
  return access(path.c_str(), F_OK) == 0;
}

std::vector<std::string> Subgroups(const std::string& dir) {
  std::vector<std::string> names;
  DIR* const entries = opendir(dir.c_str());
  if (entries == nullptr) return names;
  while (const dirent* entry = readdir(entries)) {
    const absl::string_view name = entry->d_name;
    if (entry->d_type == DT_DIR && name != "." && name != "..")
      names.emplace_back(name);
  }
  closedir(entries);
  return names;
}

}  // namespace so::cgroups
