#include "sandbox/launcher/launched_sandbox.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/status_macros.h"

namespace so {
namespace {

using launcher::Descriptor;

int SendSignal(const UniqueFd& pidfd, int number) {
  return syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0) == 0
             ? 0
             : errno;
}

// Without the capability to signal foreign users, as the same user.
int SendSignalAs(uid_t uid, const UniqueFd& pidfd, int number) {
  if (syscall(SYS_setresuid, -1, uid, -1) != 0) return errno;
  const int error = SendSignal(pidfd, number);
  if (syscall(SYS_setresuid, -1, 0, -1) != 0) std::abort();
  return error;
}

// A pair of `kind`; only `ours` does not block: the flag belongs to each end.
absl::Status OpenSocketPair(int kind, UniqueFd& ours, UniqueFd& theirs) {
  int pair[2];
  if (socketpair(AF_UNIX, kind | SOCK_CLOEXEC, 0, pair) != 0) {
    return absl::ErrnoToStatus(errno, "socketpair");
  }
  ours.Reset(pair[0]);
  theirs.Reset(pair[1]);
  if (fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0) {
    return absl::ErrnoToStatus(errno, "fcntl");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status LaunchedSandbox::Signal(int number) {
  int error = SendSignal(pidfd, number);
  if (error == EPERM) error = SendSignalAs(uid, pidfd, number);
  if (error == 0 || error == ESRCH) return absl::OkStatus();
  return absl::ErrnoToStatus(error, "signal");
}

void LaunchedSandbox::KillEverything() {
  // Frozen processes of a v1 hierarchy do not notice that they were killed.
  // Killing the first process of the pid namespace kills all in it.
  const absl::Status signalled = Signal(SIGKILL);
  const absl::Status thawed = cgroup->Thaw();
  if (!signalled.ok() || !thawed.ok()) cgroup->Kill().IgnoreError();
}

absl::Status LaunchedSandbox::ShareDescriptors(uint32_t& bits,
                                               std::vector<UniqueFd>& fds) {
  const auto add = [&](Descriptor which, UniqueFd fd) {
    if (!fd.valid()) return;
    bits |= 1U << static_cast<uint32_t>(which);
    fds.push_back(std::move(fd));
  };
  add(Descriptor::kChannel, std::move(channel));
  add(Descriptor::kOutput, std::move(output));
  SO_ASSIGN_OR_RETURN(UniqueFd freezer, cgroup->OpenFreezer());
  add(Descriptor::kFreezer, std::move(freezer));
  SO_ASSIGN_OR_RETURN(UniqueFd memory, cgroup->OpenMemoryPeak());
  add(Descriptor::kMemory, std::move(memory));
  SO_ASSIGN_OR_RETURN(UniqueFd cpu, cgroup->OpenCpuUsage());
  add(Descriptor::kCpu, std::move(cpu));
  SO_ASSIGN_OR_RETURN(UniqueFd processes, cgroup->OpenProcesses());
  add(Descriptor::kProcesses, std::move(processes));
  return absl::OkStatus();
}

absl::Status OpenEnds(LaunchedSandbox& sandbox, ChildEnds& ends) {
  SO_RETURN_IF_ERROR(
      OpenSocketPair(SOCK_SEQPACKET, sandbox.report, ends.report));
  SO_RETURN_IF_ERROR(
      OpenSocketPair(SOCK_STREAM, sandbox.channel, ends.channel));
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) {
    return absl::ErrnoToStatus(errno, "pipe");
  }
  sandbox.output.Reset(pipe_ends[0]);
  ends.output.Reset(pipe_ends[1]);
  if (fcntl(sandbox.output.get(), F_SETFL, O_NONBLOCK) != 0) {
    return absl::ErrnoToStatus(errno, "fcntl");
  }
  // The pipe is ours, but the sandbox's user must be able to open /dev/stdout.
  if (fchmod(ends.output.get(), 0622) != 0) {
    return absl::ErrnoToStatus(errno, "fchmod");
  }
  return absl::OkStatus();
}

}  // namespace so
