#pragma once

#include <sys/types.h>

#include <string>

namespace so {

// The real so-launcher, as a child of a test that runs as root. The program and
// what sandboxes need are taken from the test's own build.
class LauncherProcess {
 public:
  // Starts it; call it before there are threads. `dir` is for its socket.
  explicit LauncherProcess(const std::string& dir);
  // Ends it and waits for that.
  ~LauncherProcess();

  const std::string& socket() const { return socket_; }

 private:
  const std::string socket_;
  pid_t pid_ = 0;
};

}  // namespace so
