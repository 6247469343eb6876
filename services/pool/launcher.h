#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "sandbox/protocol/messages.h"
#include "services/pool/sandbox.h"

namespace so {

// What the pool uses of a sandbox by itself; invalid where the layer is
// missing.
struct SandboxHandles {
  UniqueFd channel;
  UniqueFd output;
  UniqueFd freezer;
  UniqueFd memory;
  UniqueFd cpu;
  UniqueFd processes;
  launcher::Parked::Dialect freezer_dialect = launcher::Parked::kV1;
  launcher::Parked::Dialect cpu_dialect = launcher::Parked::kV1;
};

// An empty sandbox with an initialised runtime in it.
struct ParkedSandbox {
  // Names it to the launcher it came from.
  uint64_t id = 0;
  SandboxHandles handles;
  // How long making it took, by step; kActivate is not among them.
  std::array<absl::Duration, launcher::kStepCount> steps = {};
};

// The end of a sandbox, and what it has used in all.
struct SandboxEnd {
  SandboxExit exit;
  // 0 when nobody has measured.
  SandboxUsage usage;
};

struct RuntimeState {
  bool ready = false;
  // Why it is not ready; empty while it is starting.
  std::string problem;
};

struct LauncherState {
  // Why there is no launcher to talk to; empty when there is.
  std::string problem = "not connected yet";
  // Of kLayers; what the operator allowed to be missing.
  std::vector<std::string> missing_layers;
  // As far as the launcher has named them.
  std::map<std::string, RuntimeState> runtimes;

  bool up() const { return problem.empty(); }
};

// Makes and ends sandboxes on request. For the loop thread; no callback comes
// inside the call that it belongs to.
class Launcher {
 public:
  using OnParked = absl::AnyInvocable<void(absl::StatusOr<ParkedSandbox>)>;
  // With the time it took the launcher.
  using OnActivated = absl::AnyInvocable<void(absl::StatusOr<absl::Duration>)>;
  using OnEnd = absl::AnyInvocable<void(const SandboxEnd&)>;

  virtual ~Launcher() = default;

  virtual const LauncherState& state() const = 0;
  // `changed` runs after every change of the state. For the life of this.
  virtual void Subscribe(absl::AnyInvocable<void()> changed) = 0;

  // UNAVAILABLE when there is no launcher, or it could not make one.
  virtual void Park(const std::string& runtime, OnParked done) = 0;
  // Gives a parked sandbox to a function. When it fails, the end follows.
  virtual void Activate(uint64_t sandbox, const SandboxSpec& spec,
                        OnActivated done) = 0;
  // Ends it; `gently` only asks its first process. Unknown ones are ignored.
  virtual void Kill(uint64_t sandbox, bool gently) = 0;
  // What to run at the end of a sandbox, instead of what was said before. The
  // end comes once, also when the launcher is lost.
  virtual void WhenEnded(uint64_t sandbox, OnEnd ended) = 0;
  // Nobody is interested in this sandbox any more: kills it, and calls nobody.
  virtual void Abandon(uint64_t sandbox) = 0;
};

}  // namespace so
