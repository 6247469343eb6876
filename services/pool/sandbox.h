#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace so {

// What runs in a sandbox, and within which limits.
struct SandboxSpec {
  // Unique within the life of the pool; a legal file name.
  std::string instance_id;
  // Program (absolute path) and arguments.
  std::vector<std::string> command;
  // NAME=value, complete but for HOME and TMPDIR, which the sandbox adds.
  std::vector<std::string> environment;
  // Read-only working directory.
  std::string code_dir;
  // What the process may use, in MB.
  int memory = 0;
  // Writable address space granted on top, in MB, where the sandbox limits
  // address space rather than pages.
  int address_space_reserve = 0;
  // Whether outbound network was asked for.
  bool egress = false;
};

// How a sandbox ended.
struct SandboxExit {
  // Why it could not be started at all; the rest is unset then.
  std::string start_error;
  int exit_code = 0;
  // 0 when it exited by itself.
  int signal = 0;
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
  // The process and its group are gone; all its output has been delivered.
  virtual void OnExit(const SandboxExit& exit) = 0;
};

// One running sandbox. Destroying it kills what is still running, and reaps it
// without telling the listener.
class SandboxProcess {
 public:
  virtual ~SandboxProcess() = default;

  // Queues bytes for the control channel. What cannot be delivered is dropped;
  // the exit follows.
  virtual void Send(std::string bytes) = 0;

  // Delivers, before returning, the output that is there now (bounded, so that
  // a process that never stops printing cannot hold it up).
  virtual void DrainOutput() = 0;

  // Asks the process to end. OnExit follows if it does.
  virtual void Terminate() = 0;

  // Ends everything in the sandbox at once. OnExit follows.
  virtual void Kill() = 0;

  // Peak memory in MB, measured from outside; the last known value once the
  // process has ended, 0 when it was never measured.
  virtual double MeasureMemory() = 0;
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
