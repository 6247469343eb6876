#pragma once

#include <signal.h>

#include <vector>

#include "sandbox/isolation/fork_protocol.h"
#include "sandbox/isolation/seccomp_filter.h"
#include "sandbox/isolation/zygote.h"

namespace so::isolation {

// What a zygote hands to a child it has forked. Descriptors belong to the
// child.
struct SandboxPlan {
  ForkRequest request;
  int report = -1;
  int channel = -1;
  int output = -1;
  std::vector<int> entrances;
  // Prepared by the zygote, the same for all its children.
  const SeccompFilter& filter;
  int landlock_version = 0;
  const std::vector<int>& runtime_fds;
  const ZygoteHooks& hooks;
};

// In a new child, the first process of a pid namespace: completes the sandbox
// around it and reports so. Ends the process when a step fails.
void CompleteSandbox(const SandboxPlan& plan);

}  // namespace so::isolation
