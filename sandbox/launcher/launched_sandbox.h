#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "sandbox/cgroups/cgroups.h"
#include "sandbox/isolation/fork_protocol.h"
#include "sandbox/launcher/egress_helper.h"
#include "sandbox/launcher/poller.h"
#include "sandbox/launcher/timing.h"
#include "sandbox/launcher/zygote_process.h"
#include "sandbox/protocol/messages.h"

namespace so {

// What the launcher holds of one sandbox.
struct LaunchedSandbox {
  enum class State {
    kForking,
    kParked,
    kActivating,  // Its outbound network is being made.
    kActive,
    kEnding,  // The processes are gone; cgroups may not be.
  };

  uint64_t id = 0;
  uint64_t ticket = 0;
  State state = State::kForking;
  // The client knows it: Parked was sent, so Exited has to follow.
  bool announced = false;
  // The client has been told that it could not be parked.
  bool failed = false;
  bool kill_wanted = false;
  std::string runtime;
  uid_t uid = 0;
  const ZygoteProcess* zygote = nullptr;

  std::unique_ptr<SandboxCgroup> cgroup;
  // Our ends, until the client gets them.
  UniqueFd channel;
  UniqueFd output;
  UniqueFd report;
  std::unique_ptr<Poller::Watch> report_watch;
  // All are there when the sandbox is complete.
  UniqueFd pidfd;
  UniqueFd mount_namespace;
  UniqueFd network_namespace;
  UniqueFd user_namespace;
  // Only with an outbound network.
  std::unique_ptr<EgressHelper> egress;

  uint32_t step_micros[launcher::kStepCount] = {};
  Timing activation;
  int wait_status = 0;

  uint32_t& step(launcher::Step which) {
    return step_micros[static_cast<size_t>(which)];
  }

  // To its first process, frozen or not.
  absl::Status Signal(int number);
  void KillEverything();
  // Those that only an activation needs.
  void CloseNamespaces();

  // Fills in what the client may use of it, and says which with bits.
  absl::Status ShareDescriptors(uint32_t& bits, std::vector<UniqueFd>& fds);
};

// The other ends, for the child.
struct ChildEnds {
  UniqueFd report;
  UniqueFd channel;
  UniqueFd output;
};

// Makes the channel, the output pipe and the report socket.
absl::Status OpenEnds(LaunchedSandbox& sandbox, ChildEnds& ends);

}  // namespace so
