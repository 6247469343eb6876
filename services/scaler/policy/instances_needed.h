#pragma once

#include "services/scaler/policy/function_load.h"
#include "services/scaler/policy/scaling_policy.h"

namespace so {

// How many instances the calls of a function kept busy at one moment, now or
// since the reading before: 0 to spec.max_instances. `since_before` is false
// when the reading before is too long ago for that to be said of now; then only
// what waits or runs now counts.
int InstancesNeeded(const FunctionLoad& load, const FunctionSpec& spec,
                    bool since_before = true);

}  // namespace so
