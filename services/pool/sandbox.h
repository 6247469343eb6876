#pragma once

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace so {

// What runs in a sandbox, and within which limits.
struct SandboxSpec {
  // Unique within the life of the pool.
  std::string instance_id;
  // Name of the runtime, as in RuntimeDescriptor.
  std::string runtime;
  // Absolute path; read-only at kSandboxCodeDir inside.
  std::string code_dir;
  // Absolute path of a directory that the sandbox may write to, at
  // kSandboxOutputDir inside; for builds, else empty.
  std::string output_dir;
  // What everything in it may use together, in MB.
  int memory = 0;
  // Processes and threads together.
  int max_pids = 0;
  // Hundredths of one processor.
  int cpu_percent = 100;
  // Whether outbound network was asked for.
  bool egress = false;
  // Nobody waits for it: others come first.
  bool ahead_of_demand = false;
};

inline constexpr absl::string_view kSandboxCodeDir = "/var/task";
inline constexpr absl::string_view kSandboxOutputDir = "/var/output";

// How a sandbox ended.
struct SandboxExit {
  // Why it could not be started at all; the rest is unset then.
  std::string start_error;
  int exit_code = 0;
  // 0 when it exited by itself.
  int signal = 0;
  // The kernel killed something in it for want of memory.
  bool out_of_memory = false;
  // It ended with the launcher, through no fault of its own.
  bool lost = false;
};

// What a sandbox has used, measured from outside.
struct SandboxUsage {
  // Peak, in MB; 0 when it cannot be measured.
  double memory = 0;
  absl::Duration cpu;
  // Processes in it now; 0 when unknown.
  int processes = 0;
};

// What a sandbox tells its owner, one call at a time, on the loop thread, never
// inside Sandbox::Start. OnExit comes once and last; it may destroy the
// SandboxProcess.
class SandboxListener {
 public:
  virtual ~SandboxListener() = default;
  // Bytes that the process wrote to its control channel, in order.
  virtual void OnControl(absl::string_view bytes) = 0;
  // Bytes that it printed, stdout and stderr in order.
  virtual void OnOutput(absl::string_view bytes) = 0;
  // Everything in the sandbox is gone; all its output has been delivered.
  virtual void OnExit(const SandboxExit& exit) = 0;
};

// One running sandbox. Destroying it ends what is still running in it, without
// telling the listener.
class SandboxProcess {
 public:
  virtual ~SandboxProcess() = default;

  // Queues bytes for the control channel. What cannot be delivered is dropped;
  // the exit follows.
  virtual void Send(std::string bytes) = 0;

  // Delivers, before returning, the output that is there now (bounded, so that
  // a process that never stops printing cannot hold it up).
  virtual void DrainOutput() = 0;

  // Stops everything in it from running, and lets it run again. Both take
  // effect at once and may be repeated.
  virtual void Freeze() = 0;
  virtual void Thaw() = 0;

  // Asks its first process to end (SIGTERM). OnExit follows if it does.
  virtual void Terminate() = 0;

  // Ends everything in the sandbox at once, frozen or not. OnExit follows.
  virtual void Kill() = 0;

  // The last known values once the process has ended.
  virtual SandboxUsage Measure() = 0;
};

// Makes isolated processes: the seam between the pool, which decides what runs,
// and the means of isolation. Used on the loop thread.
class Sandbox {
 public:
  virtual ~Sandbox() = default;

  // Never fails: what goes wrong is reported by OnExit. `listener` is borrowed
  // until OnExit or the destruction of the process.
  virtual std::unique_ptr<SandboxProcess> Start(const SandboxSpec& spec,
                                                SandboxListener& listener) = 0;
};

}  // namespace so
