#pragma once

#include "sandbox/isolation/outcome.h"

namespace so::isolation {

// Version of Landlock that the kernel has; 0 when it has none.
int LandlockVersion();

// A second lock on the file system, besides mounts and the user: the caller and
// its descendants may write below /tmp, /dev and /var (where only a build's
// output is not read-only) and read and execute the rest. Where the kernel
// can, they also reach no abstract socket and signal no process outside.
// `version` as LandlockVersion says; with 0 nothing happens.
Outcome RestrictFiles(int version);

}  // namespace so::isolation
