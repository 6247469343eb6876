#pragma once

#include <sys/types.h>

#include <cstdint>

#include "sandbox/isolation/outcome.h"

namespace so::isolation {

struct ScratchLimits {
  uint64_t bytes = 0;
  uint32_t inodes = 0;
};

// In a mount namespace of its own, on the root tree: gives the sandbox an empty
// /tmp and /dev/shm that belong to `owner`, and a /proc of its own pid
// namespace, read-only and without what speaks of the host.
Outcome MountSandbox(uid_t owner, const ScratchLimits& scratch);

}  // namespace so::isolation
