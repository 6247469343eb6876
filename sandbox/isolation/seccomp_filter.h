#pragma once

#include <linux/filter.h>

#include <vector>

#include "sandbox/isolation/outcome.h"

namespace so::isolation {

// The system call filter of sandboxes (syscall_table.h has its lists), as a
// program for the kernel. Building it takes milliseconds, installing it a
// fraction of one.
//
// Besides the lists: clone without namespaces, sockets of the Unix and the two
// internet families (EAFNOSUPPORT else), the personality every process has,
// seccomp without listeners, no set-user-id and set-group-id files. Calls of
// another architecture kill the process.
class SeccompFilter {
 public:
  static Outcome Build(SeccompFilter& filter);

  // For the calling thread and all its descendants, for good. The thread must
  // have no_new_privs.
  Outcome Install() const;

  const std::vector<sock_filter>& program() const { return program_; }

 private:
  std::vector<sock_filter> program_;
};

}  // namespace so::isolation
