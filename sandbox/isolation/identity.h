#pragma once

#include <sys/types.h>

#include <cstdint>

#include "sandbox/isolation/outcome.h"

namespace so::isolation {

// What a zygote needs to make sandboxes: mounts and namespaces, other users,
// and taking capabilities away. The last only where sandboxes share the
// platform's user namespace.
uint64_t ZygoteCapabilities(bool sandboxes_share_user_namespace);

// No program that this process executes gets other capabilities than `kept`.
Outcome BoundCapabilities(uint64_t kept);

// Changes user and group, for good, keeping the capabilities the caller has.
Outcome BecomeUser(uid_t uid);

// No capability any more and no way back to one; no new privileges. The process
// is killed when its parent ends.
Outcome DropPrivileges();

}  // namespace so::isolation
