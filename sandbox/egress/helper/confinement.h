#pragma once

#include <sys/types.h>

#include "sandbox/isolation/outcome.h"

namespace so::egress {

// Leaves the process with nothing but its descriptors, sockets of the Internet
// families, and a file tree with only a copy of the host's resolv.conf: it
// parses what a sandbox sends. It becomes `uid`, without capabilities. The
// caller must be in a mount namespace of its own.
isolation::Outcome Confine(uid_t uid);

}  // namespace so::egress
