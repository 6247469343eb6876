// so-launcher: makes the sandboxes of one node. It holds the privileges that
// takes, so it does nothing else: one thread, no network, no secrets.
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "sandbox/cgroups/cgroups.h"
#include "sandbox/launcher/launcher.h"
#include "sandbox/launcher/launcher_settings.h"
#include "sandbox/launcher/poller.h"
#include "sandbox/launcher/runtime_programs.h"
#include "sandbox/launcher/sandbox_table.h"
#include "sandbox/launcher/self_check.h"
#include "sandbox/launcher/uid_slots.h"
#include "serverless/config/v1/launcher.pb.h"

namespace so {
namespace {

// How long sandboxes may take to be gone when the launcher stops; what is left
// then ends with it.
constexpr absl::Duration kStopLimit = absl::Seconds(5);

template <typename T>
T OrExit(const Logger& log, absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  log.Error("cannot start", {{"reason", value.status().message()}});
  std::exit(1);
}

UniqueFd BlockTerminationSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  return UniqueFd(signalfd(-1, &signals, SFD_CLOEXEC));
}

// Each sandbox takes some descriptors.
void RaiseOpenFileLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int Main(int argc, char** argv) {
  const UniqueFd signals = BlockTerminationSignals();
  serverless::config::v1::LauncherConfig config;
  LoadConfigOrExit(argc, argv, config);
  InitLogging(config.log_level());
  const Logger log("LAUNCHER");
  RaiseOpenFileLimit();
  // Before anything goes anywhere else: relative paths are those of now.
  const RuntimeDirectories directories = Directories(config);
  const std::string socket_path = SocketPath(config);
  const LayerSet allowed_missing =
      OrExit(log, ParseLayers(config.allow_missing()));
  const EgressHelper::Options egress = OrExit(log, EgressOptions(config));
  SystemClock clock;
  Poller poller(clock);
  const auto cgroups =
      OrExit(log, Cgroups::Discover({.base = config.cgroup_base()}));
  if (const absl::Status swept = cgroups->Sweep(); !swept.ok()) {
    log.Error("cannot start", {{"reason", swept.message()}});
    return 1;
  }
  UidSlots uids(static_cast<uid_t>(config.uid_base()), config.max_sandboxes());
  const LayerSet missing =
      OrExit(log, CheckLayers({.programs_dir = directories.programs,
                               .allowed_missing = allowed_missing},
                              {poller, *cgroups, uids, log}));
  SandboxTable::Options options = TableOptions(config);
  options.skip = SkipBits(missing);
  options.egress = egress;
  SandboxTable sandboxes(options, poller, *cgroups, uids, log);
  auto launcher = OrExit(
      log,
      Launcher::Start(
          {.listener = {.path = socket_path, .client_uid = options.client_uid},
           .runtimes = OrExit(log, LoadRuntimePrograms(directories)),
           .zygotes = LimitsOfZygotes(config),
           .sandboxes_share_user_namespace =
               missing.Contains(launcher::Layer::kUserNamespace),
           .missing_layers = missing.bits()},
          poller, sandboxes, log));
  log.Info("serving", {{"socket", socket_path}});

  bool stopping = false;
  const auto watch = poller.WatchFd(signals.get(), EPOLLIN,
                                    [&](uint32_t) { stopping = true; });
  while (!stopping) poller.RunOnce();
  log.Info("stopping", {{"sandboxes", sandboxes.size()}});
  launcher->Stop();
  const absl::Time limit = clock.Now() + kStopLimit;
  while (!sandboxes.empty() && clock.Now() < limit) {
    poller.RunOnce(absl::Milliseconds(50));
  }
  launcher.reset();
  return 0;
}

}  // namespace
}  // namespace so

int main(int argc, char** argv) { return so::Main(argc, argv); }
