#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/pool/event_loop.h"
#include "services/pool/sandbox.h"

namespace so {

// Sandboxes that are plain processes: an own session and process group, a clean
// environment, no inherited descriptors, resource limits, no new privileges,
// and another user when the pool runs as root. Nothing hides the file system,
// the network or other processes from them.
//
// Memory is the peak resident size (VmHWM) of the main process, and the limit
// is on its data segment. A process that leaves its group (setsid) survives the
// others.
class ProcessSandbox final : public Sandbox {
 public:
  struct Options {
    // Holds one directory per instance, its HOME and TMPDIR.
    std::string work_dir;
    // User and group of instances; used only when the pool runs as root.
    uid_t uid = 65534;
  };

  // Removes what an earlier life left in `work_dir`, and creates it when
  // missing. `loop` is borrowed; all else happens on its thread.
  static absl::StatusOr<std::unique_ptr<ProcessSandbox>> Create(
      Options options, EventLoop& loop);

  std::unique_ptr<SandboxProcess> Start(const SandboxSpec& spec,
                                        SandboxListener& listener) override;

 private:
  ProcessSandbox(Options options, EventLoop& loop);

  const Options options_;
  const bool change_user_;
  EventLoop& loop_;
};

}  // namespace so
