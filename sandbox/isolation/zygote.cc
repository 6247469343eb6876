#include "sandbox/isolation/zygote.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <initializer_list>
#include <map>
#include <vector>

#include "base/unique_fd.h"
#include "sandbox/isolation/descriptors.h"
#include "sandbox/isolation/fork_protocol.h"
#include "sandbox/isolation/landlock.h"
#include "sandbox/isolation/outcome.h"
#include "sandbox/isolation/sandbox_child.h"
#include "sandbox/isolation/seccomp_filter.h"
#include "sandbox/protocol/packet.h"

namespace so::isolation {
namespace {

constexpr int kZygoteFailed = 71;
constexpr uint64_t kLauncher = 0;

int64_t NowMicros() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

[[noreturn]] void Fail(const Outcome& outcome) {
  ZygoteFailed failure;
  failure.error = outcome.error;
  std::snprintf(failure.step, sizeof(failure.step), "%s", outcome.step);
  SendMessage(kZygoteFd, failure);
  _exit(kZygoteFailed);
}

// The zygote's side of fork_protocol.h. Children are watched by their pidfds:
// SIGCHLD may belong to the runtime.
class Zygote {
 public:
  explicit Zygote(const ZygoteHooks& hooks) : hooks_(hooks) {}

  Outcome Prepare() {
    // Before anything of ours is open.
    SO_RETURN_IF_FAILED(ListDescriptors(kZygoteFd + 1, runtime_fds_));
    SO_RETURN_IF_FAILED(Check(prctl(PR_SET_PDEATHSIG, SIGKILL), "pdeathsig"));
    SO_RETURN_IF_FAILED(
        Check(fcntl(kZygoteFd, F_SETFD, FD_CLOEXEC), "close on exec"));
    SO_RETURN_IF_FAILED(SeccompFilter::Build(filter_));
    landlock_version_ = LandlockVersion();
    pid_namespace_ = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
    SO_RETURN_IF_FAILED(Check(pid_namespace_, "open the pid namespace"));
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    SO_RETURN_IF_FAILED(Check(epoll_, "epoll"));
    return Watch(kZygoteFd, kLauncher);
  }

  // Returns in children only.
  void Serve() {
    Tell(ZygoteReady{});
    while (true) {
      epoll_event events[64];
      const int count = epoll_wait(epoll_, events, 64, -1);
      if (count < 0 && errno != EINTR) Fail(Failed("epoll_wait"));
      for (int i = 0; i < count; ++i) {
        if (events[i].data.u64 != kLauncher) {
          Reap(events[i].data.u64);
        } else if (ServeRequest()) {
          return;
        }
      }
    }
  }

 private:
  struct Child {
    pid_t pid;
    int pidfd;
  };

  Outcome Watch(int fd, uint64_t id) {
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u64 = id;
    return Check(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
  }

  // Without a launcher there is no reason to live.
  template <typename Message>
  void Tell(const Message& message, std::initializer_list<int> fds = {}) {
    if (SendMessage(kZygoteFd, message, fds) != 0) _exit(0);
  }

  // True in the child.
  bool ServeRequest() {
    ForkRequest request;
    size_t size = 0;
    std::vector<UniqueFd> fds;
    const int error =
        ReceivePacket(kZygoteFd, &request, sizeof(request), size, fds);
    if (error != 0 || size != sizeof(request) ||
        request.type != ZygoteMessage::kFork || fds.size() < kForkFds) {
      _exit(0);
    }
    const int64_t start = NowMicros();
    if (hooks_.before_fork != nullptr) hooks_.before_fork(hooks_.context);
    Forked answer;
    answer.id = request.id;
    const pid_t pid = Fork(answer.error);
    if (pid == 0) {
      BecomeSandbox(request, fds);
      return true;
    }
    answer.micros = static_cast<uint32_t>(NowMicros() - start);
    if (pid < 0) {
      Tell(answer);
    } else {
      Announce(answer, pid);
    }
    return false;
  }

  // Into a new pid namespace.
  pid_t Fork(int& error) {
    if (unshare(CLONE_NEWPID) != 0) {
      error = errno;
      return -1;
    }
    const pid_t pid = fork();
    if (pid == 0) return 0;
    if (pid < 0) error = errno;
    if (setns(pid_namespace_, CLONE_NEWPID) != 0) Fail(Failed("setns"));
    return pid;
  }

  void Announce(const Forked& answer, pid_t pid) {
    const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    if (pidfd < 0) Fail(Failed("pidfd_open"));
    children_[answer.id] = {pid, pidfd};
    if (const Outcome watched = Watch(pidfd, answer.id); !watched.ok()) {
      Fail(watched);
    }
    Tell(answer, {pidfd});
  }

  void Reap(uint64_t id) {
    const auto it = children_.find(id);
    if (it == children_.end()) return;
    Died message;
    message.id = id;
    if (waitpid(it->second.pid, &message.wait_status, WNOHANG) <= 0) return;
    // Closing alone would not end the watch: the launcher has the file too.
    epoll_ctl(epoll_, EPOLL_CTL_DEL, it->second.pidfd, nullptr);
    close(it->second.pidfd);
    children_.erase(it);
    Tell(message);
  }

  void BecomeSandbox(const ForkRequest& request, std::vector<UniqueFd>& fds) {
    SandboxPlan plan{.request = request,
                     .report = fds[0].Release(),
                     .channel = fds[1].Release(),
                     .output = fds[2].Release(),
                     .entrances = {},
                     .filter = filter_,
                     .landlock_version = landlock_version_,
                     .runtime_fds = runtime_fds_,
                     .hooks = hooks_};
    for (size_t i = kForkFds; i < fds.size(); ++i) {
      plan.entrances.push_back(fds[i].Release());
    }
    CompleteSandbox(plan);
  }

  const ZygoteHooks hooks_;
  SeccompFilter filter_;
  int landlock_version_ = 0;
  std::vector<int> runtime_fds_;
  int pid_namespace_ = -1;
  int epoll_ = -1;
  std::map<uint64_t, Child> children_;
};

}  // namespace

void ServeZygote(const ZygoteHooks& hooks) {
  // A child finds nothing of ours to close: its descriptors have been arranged.
  Zygote zygote(hooks);
  if (const Outcome outcome = zygote.Prepare(); !outcome.ok()) Fail(outcome);
  zygote.Serve();
}

}  // namespace so::isolation
