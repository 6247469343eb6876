#pragma once

#include "sandbox/isolation/outcome.h"

namespace so::isolation {

// The resource limits of everything in a sandbox. Memory, processes and
// processor time are limited by its cgroups.
Outcome ApplyLimits();

}  // namespace so::isolation
