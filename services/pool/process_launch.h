#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace so {

// How to start the process of an instance.
struct LaunchOptions {
  std::vector<std::string> command;
  std::vector<std::string> environment;
  std::string working_dir;
  // Bytes of private writable memory (RLIMIT_DATA).
  unsigned long long data_limit = 0;
  // User and group to become; 0: stay who we are.
  uid_t uid = 0;
};

// A process with its own session and process group.
struct LaunchedProcess {
  pid_t pid = 0;
  // Readable once the process has ended.
  UniqueFd pidfd;
  // Our end of its descriptor 3; non-blocking.
  UniqueFd channel;
  // Its stdout and stderr; non-blocking.
  UniqueFd output;
};

// Starts a process from a program with many threads: the child runs only
// async-signal-safe code, on a stack of its own, while the calling thread waits
// for its exec. The process is killed when the calling thread ends. Its
// descriptors are 0 (/dev/null), 1 and 2 (the output pipe), 3 (the channel) and
// no others. Fails with the step that failed.
absl::StatusOr<LaunchedProcess> Launch(const LaunchOptions& options);

}  // namespace so
