#include "services/pool/testing/launcher_process.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace so {

LauncherProcess::LauncherProcess(const std::string& dir)
    : socket_(dir + "/launcher.sock") {
  const std::filesystem::path bin =
      std::filesystem::read_symlink("/proc/self/exe").parent_path();
  std::vector<std::string> command = {
      (bin / "so-launcher").string(),
      "--socket=" + socket_,
      "--client_uid=0",
      "--log_level=warn",
      "--programs_dir=" + (bin.parent_path() / "runtime").string(),
      absl::StrCat("--cgroup_base=so-pool-test-", getpid())};
  std::vector<char*> arguments;
  for (std::string& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
}

LauncherProcess::~LauncherProcess() {
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
}

}  // namespace so
