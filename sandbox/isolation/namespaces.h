#pragma once

#include <sys/types.h>

#include "base/unique_fd.h"
#include "sandbox/isolation/outcome.h"

namespace so::isolation {

// User and group of everything in a sandbox, as seen there.
inline constexpr uid_t kSandboxUser = 1000;

// New mount, ipc, uts and cgroup namespaces, while still privileged. The
// network and user namespaces come last, together.
Outcome UnshareFileSystem();

// What EnterUserNamespace leaves out.
struct NamespaceChoice {
  bool user = true;
  bool network = true;
};

// New user and network namespaces; the user `host_uid`, which the caller
// already is, is kSandboxUser in them and nobody else exists. `proc_self` leads
// to the caller's directory in a writable /proc. The caller then has every
// capability over these two namespaces, and none elsewhere.
Outcome UnshareUser(const NamespaceChoice& choice, uid_t host_uid,
                    const UniqueFd& proc_self);

}  // namespace so::isolation
