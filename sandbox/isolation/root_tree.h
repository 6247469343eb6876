#pragma once

#include <string>
#include <vector>

#include "sandbox/isolation/outcome.h"

namespace so::isolation {

// A directory of the host, seen read-only in the tree.
struct BoundDirectory {
  // Absolute, on the host.
  std::string source;
  // Absolute, in the tree.
  std::string target;
};

// Replaces the whole file tree of the calling process, which must be alone in a
// mount namespace of its own, by a fresh read-only one: the host's /usr, a
// small fixed /etc, the harmless devices, /proc, and `directories`. Nothing
// else of the host is in it. /tmp, /dev/shm, /var/task and /var/output are
// empty directories for sandboxes to mount over.
Outcome EnterRootTree(const std::vector<BoundDirectory>& directories);

// An empty read-only directory of the tree.
inline constexpr const char* kEmptyDirectory = "/var/empty";

}  // namespace so::isolation
