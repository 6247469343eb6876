#pragma once

#include "services/registry/field_problems.h"
#include "services/registry/function.h"

namespace so {

// Reports every environment variable of `function` that cannot be set: its name
// malformed or reserved for the platform, its value no text, or all of them
// together too large.
void CheckEnvironment(const Function& function, FieldProblems& problems);

}  // namespace so
