#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "sandbox/isolation/zygote_start.h"

namespace so {

// Directories of the host that runtimes are made of. Absolute paths.
struct RuntimeDirectories {
  // One folder per runtime.
  std::string runtimes;
  // The platform's programs for sandboxes.
  std::string programs;
  // What {toolchains} stands for in descriptors.
  std::string toolchains;
};

// How the zygote of one runtime is started.
struct RuntimeProgram {
  std::string name;
  isolation::ZygoteProgram zygote;
  // Why it cannot be; empty when it can.
  std::string problem;
};

// Reads every runtimes/<name>/runtime.textproto. One that is unusable comes
// with its problem and does not keep the others from working. Fails when there
// is none at all.
absl::StatusOr<std::vector<RuntimeProgram>> LoadRuntimePrograms(
    const RuntimeDirectories& directories);

// The environment of zygotes, and so of sandboxes, that the runtime contract
// promises.
std::vector<std::string> SandboxEnvironment();

}  // namespace so
