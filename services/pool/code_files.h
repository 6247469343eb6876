#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace so {

// File work of the code cache, on a thread that may wait for the disk. Failures
// are UNAVAILABLE unless said otherwise.

// Names of what is being made begin with this; the rest is left over from an
// earlier life.
inline constexpr absl::string_view kUnfinishedPrefix = ".new-";

// Creates `dir` when it is missing, and removes what was left half-done in it.
absl::Status PrepareCacheDirectory(const std::string& dir);

// A new folder in `dir` for making something in.
absl::StatusOr<std::string> MakeWorkFolder(const std::string& dir);

// An empty folder that can be written to.
absl::Status MakeFolder(const std::string& path);

// Writes `content` to every one of `files` in the new directory `dir`, all of
// it read-only.
absl::Status WriteFiles(const std::string& dir,
                        const std::vector<std::string>& files,
                        absl::string_view content);

// How large a tree may be.
struct TreeLimits {
  int64_t bytes = 512 << 20;
  int entries = 20000;
};

// Copies the tree `from`, which a sandbox has filled, to the new directory
// `to`: read-only, files executable or not, nothing else of their modes.
// INVALID_ARGUMENT when there is anything but files and folders in it, or too
// much.
absl::Status CopyTree(const std::string& from, const std::string& to,
                      const TreeLimits& limits = {});

// Makes the finished directory `dir` durable and moves it to `path`. What is
// there already is as good: it is named by its content.
absl::Status Publish(const std::string& dir, const std::string& path);

// Removes a tree, read-only folders in it included; what cannot be removed is
// left for the next start.
void RemoveTree(const std::string& path);

}  // namespace so
