#pragma once

#include <sys/types.h>

#include "absl/strings/string_view.h"

namespace so {

// Peak resident size of a process (VmHWM) in MB; 0 when it is not to be had.
double PeakMemory(pid_t pid);

// The memory that this process may use in MB: the smallest limit of its cgroups
// (v1 or v2), or the machine's memory.
int UsableMemory();

// The value of a line "VmHWM:   1234 kB" in MB; 0 when there is none.
double ParsePeakMemory(absl::string_view status);

}  // namespace so
