#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "sandbox/isolation/outcome.h"
#include "sandbox/isolation/root_tree.h"

namespace so::isolation {

// How a zygote is started.
struct ZygoteProgram {
  // Program and arguments, as seen in the tree. A program without a slash is
  // looked up in kProgramPath.
  std::vector<std::string> command;
  // NAME=value.
  std::vector<std::string> environment;
  std::vector<BoundDirectory> directories;
  // Whether its sandboxes will do without a user namespace.
  bool sandboxes_share_user_namespace = false;
};

inline constexpr const char* kProgramPath = "/usr/local/bin:/usr/bin:/bin";

struct StartedZygote {
  UniqueFd pidfd;
  // As the caller sees it.
  pid_t pid = -1;
};

// Starts the program in namespaces and a root tree of its own, with `socket` as
// its kZygoteFd and its output going to `output`. It ends when the calling
// process does. What fails after it exists comes as ZygoteFailed on the socket.
// The caller must have one thread only.
Outcome StartZygote(const ZygoteProgram& program, int socket, int output,
                    StartedZygote& zygote);

}  // namespace so::isolation
