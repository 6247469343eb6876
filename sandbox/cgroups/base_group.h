#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sandbox/cgroups/group.h"
#include "sandbox/cgroups/placement.h"

namespace so::cgroups {

// Makes a hierarchy usable: lets it be written to, and makes the base group,
// below which sandboxes have theirs. Returns its directory. FAILED_PRECONDITION
// with a message for the operator when it cannot be done.
absl::StatusOr<std::string> MakeBaseGroup(const Hierarchy& hierarchy,
                                          const std::string& name);

// Lets the groups below `base` have a controller, on the unified hierarchy:
// moves the processes in the group of `hierarchy` into a leaf when they are in
// the way.
absl::Status EnableController(const Hierarchy& hierarchy,
                              const std::string& base,
                              CgroupController controller);

// Lets all sandboxes together weigh, on each processor, as much as one ordinary
// process outside does. A group's own weight is for the whole machine: on many
// processors, little of it would be left on each.
void SetBaseWeight(const Hierarchy& hierarchy, const std::string& base);

}  // namespace so::cgroups
