#pragma once

#include "services/registry/field_problems.h"
#include "services/registry/function.h"

namespace so {

// Reports everything that is wrong with how the instances of `function` are to
// be scaled: the rules in the comments of Scaling and WarmWindow.
void CheckScaling(const Function& function, FieldProblems& problems);

}  // namespace so
