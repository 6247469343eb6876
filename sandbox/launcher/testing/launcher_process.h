#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace so {

// A real so-launcher of this build with one runtime, "test", whose zygote is
// so-test-zygote. Needs root. Its cgroups and files are its own, so that it can
// run beside others.
class LauncherProcess {
 public:
  // The user that may connect.
  static constexpr uid_t kClient = 65534;

  // `flags` come on top of those it needs.
  explicit LauncherProcess(std::vector<std::string> flags = {});
  // SIGTERM, and waits.
  ~LauncherProcess();

  const std::string& socket() const { return socket_; }
  pid_t pid() const { return pid_; }

  // A new directory with one file, "code", that belongs to kClient.
  std::string MakeCode(const std::string& text);
  // A new empty directory of `owner`.
  std::string MakeDirectory(uid_t owner);

  // Directories of its sandboxes' cgroups, in all hierarchies.
  std::vector<std::string> Cgroups() const;
  // Processes in them.
  std::vector<pid_t> Processes() const;

  void Kill();
  // Runs the same program again, after Kill.
  void Start();
  // Waits for it to end; its exit code, or -1.
  int Wait();
  // What it has logged so far.
  std::string Log() const;

 private:
  const std::string directory_;
  const std::string socket_;
  const std::string cgroup_;
  std::vector<std::string> flags_;
  pid_t pid_ = -1;
  int directories_ = 0;
};

}  // namespace so
