#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

// Reading and writing the small text files that cgroups are controlled by.
namespace so::cgroups {

absl::StatusOr<UniqueFd> OpenFile(const std::string& path, int flags);

// In one write(2), as the kernel wants it. The error is that of the kernel:
// NOT_FOUND when there is no such file.
absl::Status WriteFile(const std::string& path, absl::string_view text);

absl::StatusOr<std::string> ReadFile(const std::string& path);

// The number a file consists of.
std::optional<uint64_t> ReadNumber(const std::string& path);

// The number after `key` in a file of lines "key number".
std::optional<uint64_t> ReadKey(const std::string& path, absl::string_view key);
std::optional<uint64_t> FindKey(absl::string_view text, absl::string_view key);

bool FileExists(const std::string& path);

// Names of the groups directly below a group.
std::vector<std::string> Subgroups(const std::string& dir);

}  // namespace so::cgroups
