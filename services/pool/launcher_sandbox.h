#pragma once

#include <memory>

#include "base/clock.h"
#include "services/pool/event_loop.h"
#include "services/pool/launcher.h"
#include "services/pool/parked_pool.h"
#include "services/pool/sandbox.h"
#include "services/pool/start_steps.h"

namespace so {

// Sandboxes from the launcher: takes a parked one, has the launcher give it the
// limits and the code, and from then on talks to it, freezes and measures it
// directly. For the loop thread.
class LauncherSandbox final : public Sandbox {
 public:
  // All borrowed; all but `steps` outlive the processes.
  LauncherSandbox(Launcher& launcher, ParkedPool& parked, EventLoop& loop,
                  Clock& clock, StartSteps& steps)
      : launcher_(launcher),
        parked_(parked),
        loop_(loop),
        clock_(clock),
        steps_(steps) {}

  std::unique_ptr<SandboxProcess> Start(const SandboxSpec& spec,
                                        SandboxListener& listener) override;

 private:
  class Process;

  Launcher& launcher_;
  ParkedPool& parked_;
  EventLoop& loop_;
  Clock& clock_;
  StartSteps& steps_;
};

}  // namespace so
