#include "services/pool/sandbox_task.h"

#include <algorithm>
#include <utility>

#include "services/pool/instance_message.h"

namespace so {

SandboxTask::SandboxTask(TaskSpec spec, Sandbox& sandbox, Timers& timers,
                         OnDone done)
    : output_limit_(spec.output_limit),
      timers_(timers),
      done_(std::move(done)),
      process_(sandbox.Start(spec.sandbox, *this)) {
  process_->Send(EncodeFrame(FrameType::kConfig, nonce_, spec.config));
  timer_ = timers_.Schedule(spec.timeout,
                            [this] { End(TaskResult::End::kTimeout); });
}

SandboxTask::~SandboxTask() { timers_.Cancel(timer_); }

void SandboxTask::OnControl(absl::string_view bytes) {
  const absl::Status framing = parser_.Feed(bytes, [this](const Frame& frame) {
    HandleFrame(frame);
    return !ended_;
  });
  // Forged by the code that was loaded, which has a right to fail.
  if (!framing.ok()) End(TaskResult::End::kExited);
}

void SandboxTask::HandleFrame(const Frame& frame) {
  if (frame.nonce != nonce_) return;
  if (frame.type == FrameType::kReady) {
    End(TaskResult::End::kReady);
  } else if (frame.type == FrameType::kInitError) {
    absl::StatusOr<serverless::error::v1::FunctionFault> fault =
        ParseFault(frame.payload);
    if (fault.ok()) result_.fault = *std::move(fault);
    End(fault.ok() ? TaskResult::End::kInitError : TaskResult::End::kExited);
  }
}

void SandboxTask::OnOutput(absl::string_view bytes) {
  const size_t kept =
      std::min(bytes.size(), output_limit_ - result_.output.size());
  result_.output.append(bytes.data(), kept);
}

void SandboxTask::End(TaskResult::End end) {
  if (std::exchange(ended_, true)) return;
  result_.end = end;
  timers_.Cancel(timer_);
  process_->DrainOutput();
  process_->Kill();
}

void SandboxTask::OnExit(const SandboxExit& exit) {
  result_.exit = exit;
  if (!exit.start_error.empty()) {
    result_.end = TaskResult::End::kNoSandbox;
  } else if (!ended_) {
    result_.end = TaskResult::End::kExited;
  }
  ended_ = true;
  timers_.Cancel(timer_);
  // Nothing of this object is touched after `done`, which may destroy it.
  OnDone done = std::move(done_);
  TaskResult result = std::move(result_);
  done(std::move(result));
}

}  // namespace so
