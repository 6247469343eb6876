#include "sandbox/isolation/sandbox_child.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>

#include "base/unique_fd.h"
#include "sandbox/isolation/descriptors.h"
#include "sandbox/isolation/identity.h"
#include "sandbox/isolation/landlock.h"
#include "sandbox/isolation/limits.h"
#include "sandbox/isolation/namespaces.h"
#include "sandbox/isolation/sandbox_mounts.h"
#include "sandbox/protocol/packet.h"

namespace so::isolation {
namespace {

constexpr int kSetupFailed = 70;
// When the whole machine runs out of memory, sandboxes go before the platform.
constexpr char kOomScore[] = "500";

// Adds the time it lives to a counter.
class Stopwatch {
 public:
  explicit Stopwatch(uint32_t& micros) : micros_(micros), start_(Now()) {}
  ~Stopwatch() { micros_ += static_cast<uint32_t>(Now() - start_); }

 private:
  static int64_t Now() {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
  }

  uint32_t& micros_;
  const int64_t start_;
};

class SandboxChild {
 public:
  explicit SandboxChild(const SandboxPlan& plan) : plan_(plan) {}

  Outcome Run() {
    SO_RETURN_IF_FAILED(EnterCgroups());
    SO_RETURN_IF_FAILED(TakeDescriptors());
    if (plan_.hooks.after_fork != nullptr) {
      plan_.hooks.after_fork(plan_.hooks.context);
    }
    SO_RETURN_IF_FAILED(OpenProcSelf());
    SO_RETURN_IF_FAILED(MakeFileTree());
    SO_RETURN_IF_FAILED(ChangeIdentity());
    return Confine();
  }

  // The last packet: from then on the launcher has no part in the process.
  void Report(const Outcome& outcome) {
    if (!outcome.ok()) {
      report_.error = outcome.error;
      std::snprintf(report_.step, sizeof(report_.step), "%s", outcome.step);
      SendMessage(plan_.report, report_);
    } else {
      report_.landlock_abi = static_cast<uint32_t>(plan_.landlock_version);
      SendMessage(plan_.report, report_,
                  {mount_namespace_.get(), network_namespace_.get(),
                   user_namespace_.get()});
    }
    close(plan_.report);
  }

 private:
  // Before anything else, so that all that follows is charged to it.
  Outcome EnterCgroups() {
    const Stopwatch stopwatch(report_.cgroup_micros);
    for (const int entrance : plan_.entrances) {
      SO_RETURN_IF_FAILED(Check(write(entrance, "0", 1), "enter a cgroup"));
    }
    return {};
  }

  Outcome TakeDescriptors() {
    const Stopwatch stopwatch(report_.identity_micros);
    return ArrangeDescriptors({plan_.output, plan_.channel}, plan_.runtime_fds,
                              {plan_.report});
  }

  // In the zygote's /proc, the one that can be written to.
  Outcome OpenProcSelf() {
    const Stopwatch stopwatch(report_.identity_micros);
    proc_self_.Reset(open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC));
    SO_RETURN_IF_FAILED(Check(proc_self_.get(), "open /proc/self"));
    const UniqueFd score(
        openat(proc_self_.get(), "oom_score_adj", O_WRONLY | O_CLOEXEC));
    SO_RETURN_IF_FAILED(Check(score.get(), "open the oom score"));
    return Check(write(score.get(), kOomScore, sizeof(kOomScore) - 1),
                 "set the oom score");
  }

  Outcome MakeFileTree() {
    {
      const Stopwatch stopwatch(report_.namespaces_micros);
      SO_RETURN_IF_FAILED(UnshareFileSystem());
    }
    const Stopwatch stopwatch(report_.mounts_micros);
    SO_RETURN_IF_FAILED(
        MountSandbox(plan_.request.host_uid,
                     {plan_.request.tmp_bytes, plan_.request.tmp_inodes}));
    mount_namespace_.Reset(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
    return Check(mount_namespace_.get(), "open the mount namespace");
  }

  Outcome ChangeIdentity() {
    {
      const Stopwatch stopwatch(report_.identity_micros);
      SO_RETURN_IF_FAILED(BecomeUser(plan_.request.host_uid));
    }
    {
      const Stopwatch stopwatch(report_.namespaces_micros);
      const uint32_t skip = plan_.request.skip;
      SO_RETURN_IF_FAILED(
          UnshareUser({.user = (skip & kSkipUserNamespace) == 0,
                       .network = (skip & kSkipNetworkNamespace) == 0},
                      plan_.request.host_uid, proc_self_));
      SO_RETURN_IF_FAILED(OpenNamespace("ns/net", network_namespace_));
      SO_RETURN_IF_FAILED(OpenNamespace("ns/user", user_namespace_));
      proc_self_.Reset();
    }
    const Stopwatch stopwatch(report_.identity_micros);
    SO_RETURN_IF_FAILED(ApplyLimits());
    SO_RETURN_IF_FAILED(Check(setsid(), "setsid"));
    umask(0022);
    return DropPrivileges();
  }

  Outcome OpenNamespace(const char* name, UniqueFd& fd) {
    fd.Reset(openat(proc_self_.get(), name, O_RDONLY | O_CLOEXEC));
    return Check(fd.get(), "open a namespace of the sandbox");
  }

  Outcome Confine() {
    const Stopwatch stopwatch(report_.filter_micros);
    SO_RETURN_IF_FAILED(RestrictFiles(plan_.landlock_version));
    if ((plan_.request.skip & kSkipSeccomp) != 0) return {};
    return plan_.filter.Install();
  }

  const SandboxPlan& plan_;
  ChildReport report_;
  UniqueFd proc_self_;
  UniqueFd mount_namespace_;
  UniqueFd network_namespace_;
  UniqueFd user_namespace_;
};

}  // namespace

void CompleteSandbox(const SandboxPlan& plan) {
  SandboxChild child(plan);
  const Outcome outcome = child.Run();
  child.Report(outcome);
  if (!outcome.ok()) _exit(kSetupFailed);
}

}  // namespace so::isolation
