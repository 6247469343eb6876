#pragma once

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "absl/strings/numbers.h"
#include "base/unique_fd.h"

namespace so {

// Whether the process with this number comes to its end within 20 s. A killed
// process takes a moment to die.
inline bool ProcessEnds(const std::string& number) {
  int pid = 0;
  if (!absl::SimpleAtoi(number, &pid)) return false;
  const UniqueFd fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!fd.valid()) return true;
  pollfd end{.fd = fd.get(), .events = POLLIN, .revents = 0};
  return poll(&end, 1, /*milliseconds*/ 20000) == 1;
}

}  // namespace so
