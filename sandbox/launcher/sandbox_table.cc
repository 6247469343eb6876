#include "sandbox/launcher/sandbox_table.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "sandbox/launcher/activation.h"
#include "sandbox/launcher/text.h"
#include "sandbox/protocol/packet.h"

namespace so {
namespace {

using launcher::Step;
using State = LaunchedSandbox::State;

constexpr absl::Duration kFirstPause = absl::Milliseconds(1);
constexpr absl::Duration kLongestPause = absl::Milliseconds(100);

// Measures with the clock that the poller's timers use.
class Timing {
 public:
  Timing() : start_(Now()) {}
  uint32_t Micros() const { return static_cast<uint32_t>(Now() - start_); }

 private:
  static int64_t Now() {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
  }
  const int64_t start_;
};

int ErrnoOf(const absl::Status& status) {
  return status.code() == absl::StatusCode::kResourceExhausted ? ENOSPC
                                                               : EAGAIN;
}

}  // namespace

SandboxTable::SandboxTable(Options options, Poller& poller, Cgroups& cgroups,
                           UidSlots& uids, const Logger& log)
    : options_(options),
      poller_(poller),
      cgroups_(cgroups),
      uids_(uids),
      log_(log) {}

SandboxTable::~SandboxTable() = default;

LaunchedSandbox* SandboxTable::Find(uint64_t id) {
  const auto it = sandboxes_.find(id);
  return it == sandboxes_.end() ? nullptr : it->second.get();
}

void SandboxTable::Park(const launcher::ParkRequest& request,
                        RuntimeZygotes* zygotes) {
  launcher::ParkFailed refusal;
  refusal.ticket = request.ticket;
  const std::optional<uid_t> uid =
      zygotes == nullptr || !zygotes->ready() ? std::nullopt : uids_.Take();
  if (!uid) {
    refusal.error = zygotes == nullptr ? ENOENT
                    : zygotes->ready() ? EUSERS
                                       : EAGAIN;
    CopyText(
        zygotes == nullptr
            ? absl::StrCat("there is no runtime ", TextOf(request.runtime))
        : zygotes->ready()
            ? std::string("all users for sandboxes are taken")
            : absl::StrCat("the runtime is not ready: ", zygotes->problem()),
        refusal.step);
    Tell(refusal);
    return;
  }
  auto owned = std::make_unique<LaunchedSandbox>();
  LaunchedSandbox& sandbox = *owned;
  sandbox.id = next_id_++;
  sandbox.ticket = request.ticket;
  sandbox.runtime = zygotes->name();
  sandbox.uid = *uid;
  sandboxes_.emplace(sandbox.id, std::move(owned));
  if (const absl::Status status = Prepare(sandbox, *zygotes); !status.ok()) {
    FailPark(sandbox, std::string(status.message()), ErrnoOf(status));
    Ended(sandbox, 0);
  }
}

absl::Status SandboxTable::Prepare(LaunchedSandbox& sandbox,
                                   RuntimeZygotes& zygotes) {
  const Timing timing;
  SO_ASSIGN_OR_RETURN(sandbox.cgroup,
                      cgroups_.Make(absl::StrCat("s", sandbox.id)));
  sandbox.step(Step::kCgroup) = timing.Micros();
  ChildEnds ends;
  SO_RETURN_IF_ERROR(OpenEnds(sandbox, ends));
  std::vector<int> fds = {ends.report.get(), ends.channel.get(),
                          ends.output.get()};
  for (const UniqueFd& entrance : sandbox.cgroup->entrances()) {
    fds.push_back(entrance.get());
  }
  isolation::ForkRequest request;
  request.id = sandbox.id;
  request.skip = options_.skip;
  request.host_uid = sandbox.uid;
  request.tmp_bytes = options_.tmp_bytes;
  request.tmp_inodes = options_.tmp_inodes;
  int error = 0;
  sandbox.zygote = zygotes.Fork(request, fds, error);
  if (sandbox.zygote == nullptr) {
    return absl::ErrnoToStatus(error, "ask the zygote");
  }
  const uint64_t id = sandbox.id;
  sandbox.report_watch = poller_.WatchFd(
      sandbox.report.get(), EPOLLIN, [this, id](uint32_t) { OnReport(id); });
  return absl::OkStatus();
}

void SandboxTable::OnForked(const isolation::Forked& forked, UniqueFd pidfd) {
  LaunchedSandbox* sandbox = Find(forked.id);
  if (sandbox == nullptr) return;
  if (forked.error != 0) {
    FailPark(*sandbox, "fork", forked.error);
    Ended(*sandbox, 0);
    return;
  }
  sandbox->step(Step::kFork) = forked.micros;
  sandbox->pidfd = std::move(pidfd);
  if (sandbox->kill_wanted) sandbox->KillEverything();
  AnnounceWhenComplete(*sandbox);
}

void SandboxTable::OnReport(uint64_t id) {
  LaunchedSandbox* sandbox = Find(id);
  if (sandbox == nullptr) return;
  isolation::ChildReport report;
  size_t size = 0;
  std::vector<UniqueFd> fds;
  const int error =
      ReceivePacket(sandbox->report.get(), &report, sizeof(report), size, fds);
  if (error == EAGAIN) return;
  sandbox->report_watch.reset();
  sandbox->report.Reset();
  if (error != 0 || size != sizeof(report)) {
    FailPark(*sandbox, "ended while it was made", error);
    return;
  }
  if (report.error != 0 || fds.size() != 1) {
    FailPark(*sandbox, TextOf(report.step), report.error);
    return;
  }
  sandbox->step(Step::kCgroup) += report.cgroup_micros;
  sandbox->step(Step::kNamespaces) = report.namespaces_micros;
  sandbox->step(Step::kMounts) = report.mounts_micros;
  sandbox->step(Step::kIdentity) = report.identity_micros;
  sandbox->step(Step::kFilter) = report.filter_micros;
  sandbox->mount_namespace = std::move(fds[0]);
  sandbox->cgroup->CloseEntrances();
  landlock_abi_ = report.landlock_abi;
  AnnounceWhenComplete(*sandbox);
}

void SandboxTable::AnnounceWhenComplete(LaunchedSandbox& sandbox) {
  if (sandbox.state != State::kForking || sandbox.failed ||
      !sandbox.pidfd.valid() || !sandbox.mount_namespace.valid()) {
    return;
  }
  launcher::Parked parked;
  std::vector<UniqueFd> fds;
  if (const absl::Status shared =
          sandbox.ShareDescriptors(parked.descriptors, fds);
      !shared.ok()) {
    FailPark(sandbox, std::string(shared.message()), 0);
    return;
  }
  sandbox.state = State::kParked;
  sandbox.announced = true;
  parked.ticket = sandbox.ticket;
  parked.sandbox = sandbox.id;
  const auto dialect = [&](CgroupController controller) {
    return cgroups_.version(controller) == CgroupVersion::kV2
               ? launcher::Parked::kV2
               : launcher::Parked::kV1;
  };
  parked.freezer_dialect = dialect(CgroupController::kFreezer);
  parked.cpu_dialect = dialect(CgroupController::kCpuacct);
  std::copy(std::begin(sandbox.step_micros), std::end(sandbox.step_micros),
            parked.step_micros);
  Tell(parked, std::move(fds));
}

void SandboxTable::FailPark(LaunchedSandbox& sandbox, const std::string& step,
                            int error) {
  if (sandbox.failed || sandbox.announced) return;
  sandbox.failed = true;
  if (!sandbox.kill_wanted) {
    log_.Warn("cannot make a sandbox", {{"runtime", sandbox.runtime},
                                        {"step", step},
                                        {"error", std::strerror(error)}});
  }
  launcher::ParkFailed failure;
  failure.ticket = sandbox.ticket;
  failure.error = error;
  CopyText(step, failure.step);
  Tell(failure);
  sandbox.kill_wanted = true;
  if (sandbox.pidfd.valid()) sandbox.KillEverything();
}

void SandboxTable::Activate(const launcher::ActivateRequest& request) {
  const Timing timing;
  LaunchedSandbox* sandbox = Find(request.sandbox);
  launcher::ActivateFailed failure;
  failure.sandbox = request.sandbox;
  if (sandbox == nullptr || sandbox->state != State::kParked) {
    failure.error = EINVAL;
    CopyText("the sandbox is not parked", failure.step);
    Tell(failure);
    return;
  }
  if (const absl::Status status = ActivateSandbox(
          *sandbox, request, options_.client_uid, failure.error);
      !status.ok()) {
    CopyText(absl::string_view(status.message()), failure.step);
    log_.Warn("cannot activate a sandbox",
              {{"sandbox", sandbox->id},
               {"step", status.message()},
               {"error", std::strerror(failure.error)}});
    Tell(failure);
    sandbox->KillEverything();
    return;
  }
  sandbox->state = State::kActive;
  // Nothing more will be mounted in it.
  sandbox->mount_namespace.Reset();
  launcher::Activated activated;
  activated.sandbox = sandbox->id;
  activated.micros = timing.Micros();
  Tell(activated);
}

void SandboxTable::Kill(const launcher::KillRequest& request) {
  LaunchedSandbox* sandbox = Find(request.sandbox);
  if (sandbox == nullptr || sandbox->state == State::kEnding ||
      !sandbox->pidfd.valid()) {
    return;
  }
  if (request.gently != 0) {
    sandbox->Signal(SIGTERM).IgnoreError();
  } else {
    sandbox->KillEverything();
  }
}

void SandboxTable::KillAll() {
  for (const auto& [id, sandbox] : sandboxes_) {
    sandbox->kill_wanted = true;
    if (sandbox->state != State::kEnding && sandbox->pidfd.valid()) {
      sandbox->KillEverything();
    }
  }
}

void SandboxTable::OnDied(const isolation::Died& died) {
  LaunchedSandbox* sandbox = Find(died.id);
  if (sandbox != nullptr) Ended(*sandbox, died.wait_status);
}

void SandboxTable::OnZygoteGone(const ZygoteProcess& zygote) {
  std::vector<LaunchedSandbox*> lost;
  for (const auto& [id, sandbox] : sandboxes_) {
    if (sandbox->zygote == &zygote) lost.push_back(sandbox.get());
  }
  for (LaunchedSandbox* sandbox : lost) {
    FailPark(*sandbox, "the zygote ended", 0);
    Ended(*sandbox, SIGKILL);
  }
}

void SandboxTable::Ended(LaunchedSandbox& sandbox, int wait_status) {
  if (sandbox.state == State::kEnding) return;
  // Its report may still be unread, and says more than its end.
  if (sandbox.report_watch != nullptr) OnReport(sandbox.id);
  FailPark(sandbox, "ended while it was made", 0);
  sandbox.state = State::kEnding;
  sandbox.wait_status = wait_status;
  sandbox.zygote = nullptr;
  sandbox.report_watch.reset();
  sandbox.channel.Reset();
  sandbox.output.Reset();
  sandbox.mount_namespace.Reset();
  sandbox.pidfd.Reset();
  if (sandbox.cgroup != nullptr) sandbox.cgroup->CloseEntrances();
  RemoveLeftovers(sandbox.id, kFirstPause);
}

void SandboxTable::RemoveLeftovers(uint64_t id, absl::Duration pause) {
  LaunchedSandbox* sandbox = Find(id);
  if (sandbox == nullptr) return;
  launcher::Exited exited;
  if (sandbox->cgroup != nullptr) {
    exited.out_of_memory = sandbox->cgroup->OutOfMemoryKills() > 0 ? 1 : 0;
    exited.memory_peak_bytes = sandbox->cgroup->MemoryPeakBytes();
    exited.cpu_nanos = sandbox->cgroup->CpuNanos();
    if (const absl::Status removed = sandbox->cgroup->Remove(); !removed.ok()) {
      // The user stays taken for as long as anything of the sandbox is there.
      if (pause == kLongestPause) {
        log_.Warn("a cgroup cannot be removed yet",
                  {{"sandbox", id}, {"reason", removed.message()}});
        sandbox->cgroup->Kill().IgnoreError();
      }
      poller_.Schedule(pause, [this, id, pause] {
        RemoveLeftovers(id, std::min(pause * 2, kLongestPause));
      });
      return;
    }
  }
  exited.sandbox = id;
  exited.wait_status = sandbox->wait_status;
  uids_.GiveBack(sandbox->uid);
  if (sandbox->announced) Tell(exited);
  sandboxes_.erase(id);
}

}  // namespace so
