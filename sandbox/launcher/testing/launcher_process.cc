#include "sandbox/launcher/testing/launcher_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"

namespace so {
namespace {

namespace fs = std::filesystem;

std::string MakeTemporary() {
  char name[] = "/tmp/so-launcher-test-XXXXXX";
  if (mkdtemp(name) == nullptr) std::abort();
  chmod(name, 0755);
  return name;
}

// Others come and go meanwhile: a directory that cannot be read has none.
std::vector<fs::path> DirectoriesIn(const fs::path& directory) {
  std::vector<fs::path> found;
  std::error_code error;
  for (auto it = fs::directory_iterator(directory, error);
       !error && it != fs::directory_iterator(); it.increment(error)) {
    std::error_code ignored;
    if (it->is_directory(ignored) && !it->is_symlink(ignored)) {
      found.push_back(it->path());
    }
  }
  return found;
}

// The cgroups of this name, in all hierarchies.
void FindGroups(const fs::path& directory, const std::string& name,
                std::vector<fs::path>& found) {
  for (const fs::path& child : DirectoriesIn(directory)) {
    if (child.filename() == name) {
      found.push_back(child);
    } else {
      FindGroups(child, name, found);
    }
  }
}

}  // namespace

LauncherProcess::LauncherProcess(std::vector<std::string> flags)
    : directory_(MakeTemporary()),
      socket_(directory_ + "/socket"),
      cgroup_(absl::StrCat("so-test-", getpid(), "-",
                           fs::path(directory_).filename().string())),
      flags_(std::move(flags)) {
  fs::create_directories(directory_ + "/runtimes/test");
  fs::copy(SO_BUILD_DIR "/bin/so-test-zygote",
           directory_ + "/runtimes/test/so-test-zygote");
  std::ofstream(directory_ + "/runtimes/test/runtime.textproto")
      << "name: \"test\"\nzygote: \"/var/runtime/so-test-zygote\"\n"
         "environment { key: \"FROM_DESCRIPTOR\" value: \"yes\" }\n";
  Start();
}

LauncherProcess::~LauncherProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGTERM);
    Wait();
  }
  std::error_code ignored;
  std::vector<fs::path> groups;
  FindGroups("/sys/fs/cgroup", cgroup_, groups);
  // Their files go with them, so only the directory itself can be removed.
  for (const fs::path& group : groups) {
    for (const fs::path& child : DirectoriesIn(group)) rmdir(child.c_str());
    rmdir(group.c_str());
  }
  fs::remove_all(directory_, ignored);
}

void LauncherProcess::Start() {
  std::vector<std::string> words = {
      SO_BUILD_DIR "/bin/so-launcher",
      absl::StrCat("--socket=", socket_),
      absl::StrCat("--client_uid=", kClient),
      absl::StrCat("--runtimes_dir=", directory_, "/runtimes"),
      "--programs_dir=" SO_BUILD_DIR "/runtime",
      absl::StrCat("--cgroup_base=", cgroup_)};
  words.insert(words.end(), flags_.begin(), flags_.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_ = fork();
  if (pid_ != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int log = open((directory_ + "/log").c_str(),
                       O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execv(arguments[0], arguments.data());
  _exit(127);
}

std::string LauncherProcess::MakeDirectory(uid_t owner) {
  const std::string path = absl::StrCat(directory_, "/", ++directories_);
  fs::create_directory(path);
  if (chown(path.c_str(), owner, owner) != 0) std::abort();
  return path;
}

std::string LauncherProcess::MakeCode(const std::string& text) {
  const std::string path = MakeDirectory(kClient);
  std::ofstream(path + "/code") << text;
  return path;
}

std::vector<std::string> LauncherProcess::Cgroups() const {
  std::vector<fs::path> groups;
  FindGroups("/sys/fs/cgroup", cgroup_, groups);
  std::vector<std::string> found;
  for (const fs::path& group : groups) {
    for (const fs::path& child : DirectoriesIn(group)) {
      found.push_back(child.string());
    }
  }
  return found;
}

std::vector<pid_t> LauncherProcess::Processes() const {
  std::vector<pid_t> pids;
  for (const std::string& group : Cgroups()) {
    std::ifstream file(group + "/cgroup.procs");
    for (pid_t pid; file >> pid;) pids.push_back(pid);
  }
  return pids;
}

void LauncherProcess::Kill() {
  kill(pid_, SIGKILL);
  Wait();
}

int LauncherProcess::Wait() {
  int status = 0;
  const pid_t pid = std::exchange(pid_, -1);
  if (waitpid(pid, &status, 0) != pid) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string LauncherProcess::Log() const {
  std::ifstream stream(directory_ + "/log");
  return std::string((std::istreambuf_iterator<char>(stream)),
                     std::istreambuf_iterator<char>());
}

}  // namespace so
