#pragma once

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/timers.h"
#include "serverless/error/v1/error.pb.h"
#include "services/pool/frame.h"
#include "services/pool/sandbox.h"

namespace so {

// What is to be done in a sandbox of its own.
struct TaskSpec {
  SandboxSpec sandbox;
  // Payload of CONFIG: names the program to run, or the handler to load.
  std::string config;
  absl::Duration timeout;
  // Bytes of output kept, from the beginning.
  size_t output_limit = 64 << 10;
};

// What became of it.
struct TaskResult {
  enum class End {
    // The first process ended by itself: `exit` says how.
    kExited,
    // The handler was loaded, or could not be: `fault` says why.
    kReady,
    kInitError,
    kTimeout,
    kCancelled,
    // No sandbox could be had: `exit.start_error`.
    kNoSandbox,
  };
  End end = End::kExited;
  SandboxExit exit;
  serverless::error::v1::FunctionFault fault;
  // stdout and stderr as they came.
  std::string output;
};

// One sandbox that is used once, outside of the life of instances: for a build,
// or to see whether a handler can be loaded. Nothing it says is believed beyond
// the bounds of the runtime contract. For the loop thread.
class SandboxTask final : private SandboxListener {
 public:
  // Runs once, when nothing of the sandbox is left; it may destroy the task.
  using OnDone = absl::AnyInvocable<void(TaskResult)>;

  // Starts at once. `timers` are borrowed.
  SandboxTask(TaskSpec spec, Sandbox& sandbox, Timers& timers, OnDone done);
  ~SandboxTask() override;

  // Ends it soon; `done` still runs.
  void Cancel() { End(TaskResult::End::kCancelled); }

 private:
  void OnControl(absl::string_view bytes) override;
  void OnOutput(absl::string_view bytes) override;
  void OnExit(const SandboxExit& exit) override;

  void HandleFrame(const Frame& frame);
  // Decides how it ended, and kills what is left of it.
  void End(TaskResult::End end);

  const size_t output_limit_;
  const Nonce nonce_ = MakeNonce();
  Timers& timers_;
  OnDone done_;
  TimerId timer_ = 0;
  bool ended_ = false;
  TaskResult result_;
  FrameParser parser_;
  std::unique_ptr<SandboxProcess> process_;
};

}  // namespace so
