#include "sandbox/isolation/zygote_start.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <sstream>

#include "base/unique_fd.h"
#include "sandbox/isolation/descriptors.h"
#include "sandbox/isolation/fork_protocol.h"
#include "sandbox/isolation/identity.h"
#include "sandbox/isolation/zygote.h"
#include "sandbox/protocol/packet.h"

namespace so::isolation {
namespace {

constexpr int kStartFailed = 127;

// A table of TCP connections for each network namespace that is made from the
// zygote's. Without one the kernel goes through that of the whole machine, a
// quarter of a million entries, whenever a sandbox has ended.
constexpr char kConnectionTable[] =
    "/proc/sys/net/ipv4/tcp_child_ehash_entries";
constexpr char kConnectionTableEntries[] = "256";

std::string FindProgram(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  std::istringstream path(kProgramPath);
  for (std::string directory; std::getline(path, directory, ':');) {
    const std::string program = directory + "/" + name;
    if (access(program.c_str(), X_OK) == 0) return program;
  }
  return name;
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& text : strings) {
    pointers.push_back(const_cast<char*>(text.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

void ResetSignals() {
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Linux before 6.1 has no such setting.
void LimitConnectionTables() {
  const UniqueFd file(open(kConnectionTable, O_WRONLY | O_CLOEXEC));
  if (!file.valid()) return;
  [[maybe_unused]] const ssize_t written = write(
      file.get(), kConnectionTableEntries, sizeof(kConnectionTableEntries) - 1);
}

Outcome ArrangeZygoteDescriptors(int socket, int output) {
  // Out of the way of the numbers they are to have.
  socket = fcntl(socket, F_DUPFD_CLOEXEC, kZygoteFd + 1);
  SO_RETURN_IF_FAILED(Check(socket, "dup"));
  output = fcntl(output, F_DUPFD_CLOEXEC, kZygoteFd + 1);
  SO_RETURN_IF_FAILED(Check(output, "dup"));
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  SO_RETURN_IF_FAILED(Check(null, "open /dev/null"));
  SO_RETURN_IF_FAILED(Check(dup2(null, STDIN_FILENO), "dup"));
  SO_RETURN_IF_FAILED(Check(dup2(output, STDOUT_FILENO), "dup"));
  SO_RETURN_IF_FAILED(Check(dup2(output, STDERR_FILENO), "dup"));
  SO_RETURN_IF_FAILED(Check(dup2(socket, kZygoteFd), "dup"));
  return CloseAllBut({0, 1, 2, kZygoteFd});
}

// Returns only when it failed.
Outcome BecomeZygote(const ZygoteProgram& program, int socket, int output) {
  SO_RETURN_IF_FAILED(Check(prctl(PR_SET_PDEATHSIG, SIGKILL), "pdeathsig"));
  // A terminal's signals are for the launcher.
  SO_RETURN_IF_FAILED(Check(setsid(), "setsid"));
  ResetSignals();
  SO_RETURN_IF_FAILED(EnterRootTree(program.directories));
  LimitConnectionTables();
  SO_RETURN_IF_FAILED(BoundCapabilities(
      ZygoteCapabilities(program.sandboxes_share_user_namespace)));
  SO_RETURN_IF_FAILED(
      Check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs"));
  SO_RETURN_IF_FAILED(ArrangeZygoteDescriptors(socket, output));
  const std::string path = FindProgram(program.command.front());
  execve(path.c_str(), Pointers(program.command).data(),
         Pointers(program.environment).data());
  return Failed("execute the zygote's program");
}

[[noreturn]] void RunZygote(const ZygoteProgram& program, int socket,
                            int output) {
  const Outcome outcome = BecomeZygote(program, socket, output);
  ZygoteFailed failure;
  failure.error = outcome.error;
  std::snprintf(failure.step, sizeof(failure.step), "%s", outcome.step);
  // Whether the socket is still where it was depends on the step.
  if (SendMessage(socket, failure) != 0) SendMessage(kZygoteFd, failure);
  _exit(kStartFailed);
}

// The first process of the zygote's pid namespace: reaps what is left to it,
// and ends with the zygote, which ends everything in the namespace.
//
// The zygote is the second one, because its sandboxes are first processes in
// theirs: a library that knows a fork by its new process id, as OpenSSL does to
// seed its generators anew, would take a child for the zygote.
[[noreturn]] void AttendZygote(pid_t zygote) {
  if (!CloseAllBut({}).ok() || !DropPrivileges().ok()) _exit(kStartFailed);
  while (true) {
    int status = 0;
    const pid_t pid = waitpid(-1, &status, 0);
    if (pid < 0 && errno != EINTR) _exit(kStartFailed);
    if (pid != zygote) continue;
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  }
}

// In the zygote's namespaces.
[[noreturn]] void RunNamespace(const ZygoteProgram& program, int socket,
                               int output) {
  const pid_t zygote = fork();
  if (zygote == 0) RunZygote(program, socket, output);
  if (zygote < 0) _exit(kStartFailed);
  AttendZygote(zygote);
}

}  // namespace

Outcome StartZygote(const ZygoteProgram& program, int socket, int output,
                    StartedZygote& zygote) {
  int pidfd = -1;
  // A fork by the system call itself, because the C library's makes no
  // namespaces. With one thread there are no locks to take care of.
  const long pid =
      syscall(SYS_clone,
              CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS |
                  CLONE_NEWNET | CLONE_PIDFD | SIGCHLD,
              nullptr, &pidfd, nullptr, 0);
  if (pid == 0) RunNamespace(program, socket, output);
  SO_RETURN_IF_FAILED(Check(pid, "clone the zygote"));
  zygote.pidfd.Reset(pidfd);
  zygote.pid = static_cast<pid_t>(pid);
  return {};
}

}  // namespace so::isolation
