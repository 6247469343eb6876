#include "sandbox/launcher/egress_helper.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "sandbox/egress/helper_protocol.h"
#include "sandbox/egress/ipv4_range.h"
#include "sandbox/launcher/text.h"
#include "sandbox/protocol/packet.h"

namespace so {
namespace {

constexpr int kNotExecuted = 127;
constexpr int kAboveHelperFds = egress::kUserNamespaceFd + 1;

// Buffers of a few hundred connections.
constexpr CgroupLimits kLimits = {
    .memory_bytes = uint64_t{64} << 20, .max_pids = 4, .cpu_percent = 100};

constexpr absl::string_view kNotStarted =
    "outbound network: so-egress cannot be started; it needs the package "
    "libslirp0";

// Closed on exec at its old number, open at the new one.
bool Move(int fd, int number) {
  const int spare = fcntl(fd, F_DUPFD_CLOEXEC, kAboveHelperFds);
  return spare >= 0 && dup2(spare, number) == number;
}

// In the new process.
[[noreturn]] void Execute(const std::vector<int>& entrances, int report,
                          int network, int user, char* const* arguments) {
  for (const int entrance : entrances) {
    if (write(entrance, "0", 1) != 1) _exit(kNotExecuted);
  }
  report = fcntl(report, F_DUPFD_CLOEXEC, kAboveHelperFds);
  network = fcntl(network, F_DUPFD_CLOEXEC, kAboveHelperFds);
  user = fcntl(user, F_DUPFD_CLOEXEC, kAboveHelperFds);
  if (Move(report, egress::kReportFd) &&
      Move(network, egress::kNetworkNamespaceFd) &&
      Move(user, egress::kUserNamespaceFd)) {
    char* environment[] = {nullptr};
    execve(arguments[0], arguments, environment);
  }
  _exit(kNotExecuted);
}

}  // namespace

absl::StatusOr<std::unique_ptr<EgressHelper>> EgressHelper::Start(
    const Options& options, const Target& target,
    std::unique_ptr<SandboxCgroup> cgroup, Poller& poller, Done done) {
  std::unique_ptr<EgressHelper> helper(
      new EgressHelper(std::move(cgroup), std::move(done)));
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    return absl::ErrnoToStatus(errno, "socketpair");
  }
  helper->report_.Reset(pair[0]);
  const UniqueFd theirs(pair[1]);
  SO_RETURN_IF_ERROR(helper->Launch(options, target, theirs));
  EgressHelper* self = helper.get();
  helper->report_watch_ = poller.WatchFd(
      helper->report_.get(), EPOLLIN, [self](uint32_t) { self->OnReport(); });
  return helper;
}

EgressHelper::EgressHelper(std::unique_ptr<SandboxCgroup> cgroup, Done done)
    : cgroup_(std::move(cgroup)), done_(std::move(done)) {}

EgressHelper::~EgressHelper() {
  Kill();
  if (pid_ > 0) waitpid(pid_, nullptr, 0);
}

absl::Status EgressHelper::Launch(const Options& options, const Target& target,
                                  const UniqueFd& their_end) {
  SO_RETURN_IF_ERROR(cgroup_->SetLimits(kLimits));
  std::vector<std::string> words = {options.program, absl::StrCat(target.uid)};
  words.insert(words.end(), options.allowed.begin(), options.allowed.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::vector<int> entrances;
  for (const UniqueFd& one : cgroup_->entrances()) {
    entrances.push_back(one.get());
  }
  int pidfd = -1;
  // As zygotes are started. Its network is the launcher's.
  const long pid = syscall(SYS_clone,
                           CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC |
                               CLONE_NEWUTS | CLONE_PIDFD | SIGCHLD,
                           nullptr, &pidfd, nullptr, 0);
  if (pid == 0) {
    Execute(entrances, their_end.get(), target.network_namespace.get(),
            target.user_namespace.get(), arguments.data());
  }
  if (pid < 0) return absl::ErrnoToStatus(errno, "clone so-egress");
  pid_ = static_cast<pid_t>(pid);
  pidfd_.Reset(pidfd);
  return absl::OkStatus();
}

void EgressHelper::OnReport() {
  egress::HelperReport report;
  size_t size = 0;
  std::vector<UniqueFd> fds;
  const int error =
      ReceivePacket(report_.get(), &report, sizeof(report), size, fds);
  report_watch_.reset();
  if (error != 0 || size != sizeof(report)) {
    done_(absl::FailedPreconditionError(kNotStarted), error);
  } else if (report.step[0] != '\0') {
    done_(absl::FailedPreconditionError(
              absl::StrCat("outbound network: ", TextOf(report.step))),
          report.error);
  } else {
    cgroup_->CloseEntrances();
    done_(absl::OkStatus(), 0);
  }
}

void EgressHelper::Kill() {
  report_watch_.reset();
  report_.Reset();
  if (pid_ > 0) {
    syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
  }
}

bool EgressHelper::Remove() {
  if (pid_ > 0) {
    if (waitpid(pid_, nullptr, WNOHANG) == 0) return false;
    pid_ = -1;
  }
  cgroup_->CloseEntrances();
  return cgroup_->Remove().ok();
}

absl::StatusOr<std::vector<std::string>> ParseEgressRanges(
    absl::string_view list) {
  std::vector<std::string> ranges;
  for (absl::string_view range : absl::StrSplit(list, ',', absl::SkipEmpty())) {
    ranges.emplace_back(absl::StripAsciiWhitespace(range));
    if (!egress::ParseIpv4Range(ranges.back())) {
      return absl::InvalidArgumentError(
          absl::StrCat("egress_allow: \"", ranges.back(),
                       "\" is not an IPv4 range like 10.1.0.0/16"));
    }
  }
  return ranges;
}

}  // namespace so
