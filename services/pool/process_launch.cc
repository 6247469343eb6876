#include "services/pool/process_launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

// clone(2) by the other name that glibc gives it: sanitizers wrap the usual one
// for children with memory of their own.
extern "C" int __clone(int (*run)(void*), void* stack, int flags,
                       void* argument, ...);

namespace so {
namespace {

constexpr size_t kStackBytes = 64 << 10;
constexpr rlim_t kMaxOpenFiles = 256;
constexpr rlim_t kMaxFileBytes = 512ULL << 20;
constexpr int kChannelFd = 3;
// Where descriptors wait until 0 to 3 are free to be replaced.
constexpr int kFirstSpareFd = 16;

// All that the child needs, prepared before it exists. It shares our memory, so
// `failed_step` and `error` are how it reports.
struct ChildPlan {
  char** argv;
  char** envp;
  const char* working_dir;
  rlim_t data_limit;
  uid_t uid;
  pid_t parent;
  int null_fd;
  int output_fd;
  int channel_fd;
  const char* failed_step = nullptr;
  int error = 0;
};

// What runs in the child calls the kernel directly: no code of the C library
// that locks or that acts on every thread of the parent, whose memory we are
// in, and nothing that a sanitizer would record there.
#define SO_CHILD_CODE __attribute__((no_sanitize("thread")))

// One step of the child: `step` names it when `result` says that it failed.
SO_CHILD_CODE bool Check(ChildPlan& plan, long result, const char* step) {
  if (result >= 0) return true;
  plan.failed_step = step;
  plan.error = errno;
  return false;
}

SO_CHILD_CODE bool SetLimit(ChildPlan& plan, int resource, rlim_t value,
                            const char* step) {
  const rlimit64 limit{value, value};
  return Check(plan, syscall(SYS_prlimit64, 0, resource, &limit, nullptr),
               step);
}

SO_CHILD_CODE bool ArrangeDescriptors(ChildPlan& plan) {
  const long spare_null =
      syscall(SYS_fcntl, plan.null_fd, F_DUPFD, kFirstSpareFd);
  const long spare_output =
      syscall(SYS_fcntl, plan.output_fd, F_DUPFD, kFirstSpareFd);
  const long spare_channel =
      syscall(SYS_fcntl, plan.channel_fd, F_DUPFD, kFirstSpareFd);
  return Check(plan, spare_null, "dup") && Check(plan, spare_output, "dup") &&
         Check(plan, spare_channel, "dup") &&
         Check(plan, syscall(SYS_dup3, spare_null, 0, 0), "dup") &&
         Check(plan, syscall(SYS_dup3, spare_output, 1, 0), "dup") &&
         Check(plan, syscall(SYS_dup3, spare_output, 2, 0), "dup") &&
         Check(plan, syscall(SYS_dup3, spare_channel, kChannelFd, 0), "dup") &&
         Check(plan, syscall(SYS_close_range, kChannelFd + 1, ~0U, 0),
               "close_range");
}

SO_CHILD_CODE bool ApplyLimits(ChildPlan& plan) {
  return SetLimit(plan, RLIMIT_CORE, 0, "limit core") &&
         SetLimit(plan, RLIMIT_NOFILE, kMaxOpenFiles, "limit files") &&
         SetLimit(plan, RLIMIT_FSIZE, kMaxFileBytes, "limit file size") &&
         SetLimit(plan, RLIMIT_DATA, plan.data_limit, "limit memory");
}

SO_CHILD_CODE bool BecomeUser(ChildPlan& plan) {
  if (plan.uid == 0) return true;
  return Check(plan, syscall(SYS_setgroups, 0, nullptr), "setgroups") &&
         Check(plan, syscall(SYS_setresgid, plan.uid, plan.uid, plan.uid),
               "setgid") &&
         Check(plan, syscall(SYS_setresuid, plan.uid, plan.uid, plan.uid),
               "setuid");
}

// After the change of user, which clears the setting.
SO_CHILD_CODE bool DieWithParent(ChildPlan& plan) {
  if (!Check(plan, syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
             "no_new_privs") ||
      !Check(plan, syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0),
             "pdeathsig")) {
    return false;
  }
  errno = ESRCH;
  return Check(plan, syscall(SYS_getppid) == plan.parent ? 0 : -1, "parent");
}

SO_CHILD_CODE void ResetSignals() {
  // Zero is SIG_DFL with no flags, in the kernel's layout.
  const uint64_t action[4] = {};
  for (int signal = 1; signal < NSIG; ++signal) {
    syscall(SYS_rt_sigaction, signal, action, nullptr, sizeof(uint64_t));
  }
  const uint64_t none = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, sizeof(none));
}

SO_CHILD_CODE int RunChild(void* argument) {
  ChildPlan& plan = *static_cast<ChildPlan*>(argument);
  syscall(SYS_umask, 0077);
  if (Check(plan, syscall(SYS_setsid), "setsid") && ArrangeDescriptors(plan) &&
      Check(plan, syscall(SYS_chdir, plan.working_dir), "chdir") &&
      ApplyLimits(plan) && BecomeUser(plan) && DieWithParent(plan)) {
    ResetSignals();
    syscall(SYS_execve, plan.argv[0], plan.argv, plan.envp);
    Check(plan, -1, "exec");
  }
  syscall(SYS_exit_group, 127);
  return 127;
}

absl::Status Failed(absl::string_view step, int error) {
  return absl::UnavailableError(absl::StrCat(step, ": ", strerror(error)));
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& text : strings) {
    pointers.push_back(const_cast<char*>(text.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

struct Descriptors {
  UniqueFd null;
  UniqueFd output_read, output_write;
  UniqueFd channel_ours, channel_theirs;
};

absl::StatusOr<Descriptors> OpenDescriptors() {
  Descriptors fds;
  fds.null.Reset(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!fds.null.valid()) return Failed("/dev/null", errno);
  int pair[2];
  if (pipe2(pair, O_CLOEXEC) != 0) return Failed("pipe", errno);
  fds.output_read.Reset(pair[0]);
  fds.output_write.Reset(pair[1]);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return Failed("socketpair", errno);
  }
  fds.channel_ours.Reset(pair[0]);
  fds.channel_theirs.Reset(pair[1]);
  // Our ends only: whether an open file blocks is shared with whoever has it.
  for (const int fd : {fds.output_read.get(), fds.channel_ours.get()}) {
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) {
      return Failed("fcntl", errno);
    }
  }
  return fds;
}

// Clones a child that runs RunChild(plan) and returns once it has exec'd or
// failed. No signal handler of ours may run in the child, so all are blocked
// meanwhile.
pid_t CloneAndWait(ChildPlan& plan, int& pidfd) {
  void* stack = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) return -1;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  const pid_t pid =
      __clone(RunChild, static_cast<char*>(stack) + kStackBytes,
              CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &plan, &pidfd);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  munmap(stack, kStackBytes);
  errno = error;
  return pid;
}

}  // namespace

absl::StatusOr<LaunchedProcess> Launch(const LaunchOptions& options) {
  SO_ASSIGN_OR_RETURN(Descriptors fds, OpenDescriptors());
  std::vector<char*> argv = Pointers(options.command);
  std::vector<char*> envp = Pointers(options.environment);
  ChildPlan plan{
      .argv = argv.data(),
      .envp = envp.data(),
      .working_dir = options.working_dir.c_str(),
      .data_limit = options.data_limit,
      .uid = options.uid,
      .parent = getpid(),
      .null_fd = fds.null.get(),
      .output_fd = fds.output_write.get(),
      .channel_fd = fds.channel_theirs.get(),
  };
  int pidfd = -1;
  const pid_t pid = CloneAndWait(plan, pidfd);
  if (pid < 0) return Failed("clone", errno);
  LaunchedProcess process{.pid = pid, .pidfd = UniqueFd(pidfd)};
  if (plan.failed_step != nullptr) {
    waitpid(pid, nullptr, 0);
    return Failed(plan.failed_step, plan.error);
  }
  process.channel = std::move(fds.channel_ours);
  process.output = std::move(fds.output_read);
  return process;
}

}  // namespace so
