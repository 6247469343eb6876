#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/error.h"
#include "services/pool/instance_message.h"
#include "services/pool/sandbox.h"

namespace so {

// What callers are told when a function, or an instance of it, fails. `name` is
// the function's.
Error FunctionTimeout(absl::string_view name, absl::Duration timeout,
                      bool started);
Error FunctionCrashed(absl::string_view name, const SandboxExit& exit);
// `memory` is the limit that was enforced, in MB.
Error FunctionOutOfMemory(absl::string_view name, int memory, bool started);
Error FunctionProtocolError(absl::string_view name, bool started);
// What the handler threw, or why its result cannot be used.
Error FunctionError(absl::string_view name, const HandlerError& error);
Error ResultNotJson(absl::string_view problem);
Error InitFailed(absl::string_view name,
                 const serverless::error::v1::FunctionFault& fault);
Error InitCrashed(absl::string_view name, const SandboxExit& exit);
Error InitTimeout(absl::string_view name, absl::Duration timeout);
Error StartImpossible(absl::string_view name);
Error InstanceLost(absl::string_view name);
Error CallCancelled(absl::string_view name, bool started);

// "exited with code 3", "was killed by signal 9 (SIGKILL)".
std::string DescribeExit(const SandboxExit& exit);

}  // namespace so
