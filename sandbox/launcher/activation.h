#pragma once

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "sandbox/launcher/launched_sandbox.h"
#include "sandbox/protocol/messages.h"

namespace so {

// Gives a parked sandbox its limits, its code and, for builds, its output
// directory, but not its network. Only directories of `client_uid` are taken (a
// client that is root may take any), so that the client reaches nothing through
// a sandbox that is not its own. The message of an error is the step; its errno
// is in `error`.
absl::Status ActivateSandbox(LaunchedSandbox& sandbox,
                             const launcher::ActivateRequest& request,
                             uid_t client_uid, int& error);

}  // namespace so
