#pragma once

namespace so {

// The memory that this process may use in MB: the smallest limit of its cgroups
// (v1 or v2), or the machine's memory.
int UsableMemory();

}  // namespace so
