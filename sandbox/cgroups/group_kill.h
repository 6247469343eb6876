#pragma once

#include <string>

#include "absl/status/status.h"

// Ending what is in a group, whichever the version of its hierarchy.
namespace so::cgroups {

// Kills every process in the group `dir`. Returns once nothing in it can start
// more; the killed may still be leaving.
absl::Status KillProcesses(const std::string& dir);

// Removes the group. UNAVAILABLE while something is in it; OK when it is gone
// already.
absl::Status RemoveGroup(const std::string& dir);

// Thaws and kills everything below `dir`, at any depth, and removes the groups
// there. UNAVAILABLE while something is left; call it again then.
absl::Status ClearBelow(const std::string& dir);

}  // namespace so::cgroups
