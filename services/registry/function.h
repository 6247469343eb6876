#pragma once

#include <memory>

#include "serverless/function/v1/function.pb.h"
#include "services/registry/client/function_directory.h"

namespace so {

using Function = serverless::function::v1::Function;

// A function as the registry keeps it: all fields set, environment in clear,
// without code.
struct FunctionRecord {
  // At its current version.
  FunctionPtr function;
  // The highest version number ever given; numbers are never reused.
  int32_t last_version = 0;
};

// What the value of an environment variable is shown as, and, when sent back,
// what keeps it.
inline constexpr char kMaskedValue[] = "***";

}  // namespace so
