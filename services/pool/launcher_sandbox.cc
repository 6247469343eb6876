#include "services/pool/launcher_sandbox.h"

#include <signal.h>
#include <unistd.h>

#include <deque>
#include <string>
#include <utility>

#include "services/pool/sandbox_meter.h"
#include "services/pool/sandbox_streams.h"

namespace so {

// Taking -> activating -> running -> ended, and from each of them to ended.
class LauncherSandbox::Process final : public SandboxProcess {
 public:
  Process(LauncherSandbox& owner, const SandboxSpec& spec,
          SandboxListener& listener)
      : owner_(owner), spec_(spec), listener_(listener) {}

  ~Process() override {
    owner_.parked_.Cancel(take_);
    owner_.loop_.Cancel(end_timer_);
    if (sandbox_ != 0) owner_.launcher_.Abandon(sandbox_);
  }

  void Begin() {
    asked_ = owner_.clock_.Now();
    take_ = owner_.parked_.Take(
        spec_.runtime,
        [this](absl::StatusOr<ParkedSandbox> sandbox) {
          take_ = 0;
          if (sandbox.ok()) {
            Activate(*std::move(sandbox));
          } else {
            End({.exit = {.start_error =
                              std::string(sandbox.status().message())}});
          }
        },
        spec_.ahead_of_demand);
  }

  void Send(std::string bytes) override {
    if (streams_ != nullptr && running_) {
      streams_->Send(std::move(bytes));
    } else if (!ended_) {
      unsent_.push_back(std::move(bytes));
    }
  }

  void DrainOutput() override {
    if (streams_ != nullptr) streams_->DrainOutput();
  }

  void Freeze() override { SetFrozen(true); }
  void Thaw() override { SetFrozen(false); }

  void Terminate() override {
    if (sandbox_ == 0) return Kill();
    Thaw();  // To hear it.
    owner_.launcher_.Kill(sandbox_, /*gently=*/true);
  }

  void Kill() override {
    if (ended_ || end_timer_ != 0) return;
    if (sandbox_ != 0) {
      Measure();
      owner_.launcher_.Kill(sandbox_, /*gently=*/false);
      return;
    }
    owner_.parked_.Cancel(std::exchange(take_, 0));
    end_timer_ = owner_.loop_.Schedule(absl::ZeroDuration(), [this] {
      end_timer_ = 0;
      End({.exit = {.signal = SIGKILL}});
    });
  }

  SandboxUsage Measure() override {
    if (sandbox_ != 0) usage_ = MeasureSandbox(handles_, usage_);
    return usage_;
  }

 private:
  void Activate(ParkedSandbox sandbox) {
    owner_.steps_.Record(spec_.runtime, "take", owner_.clock_.Now() - asked_);
    sandbox_ = sandbox.id;
    handles_ = std::move(sandbox.handles);
    streams_ = std::make_unique<SandboxStreams>(owner_.loop_, listener_,
                                                std::move(handles_.channel),
                                                std::move(handles_.output));
    owner_.launcher_.WhenEnded(sandbox_,
                               [this](const SandboxEnd& end) { End(end); });
    owner_.launcher_.Activate(
        sandbox_, spec_,
        [this](absl::StatusOr<absl::Duration> took) { Activated(took); });
  }

  void Activated(const absl::StatusOr<absl::Duration>& took) {
    if (!took.ok()) {
      start_error_ = std::string(took.status().message());
      return;  // The end follows.
    }
    owner_.steps_.Record(spec_.runtime, "activate", *took);
    running_ = true;
    // The greeting first, which has been there since it was parked: what comes
    // after it is the time that loading the code takes.
    streams_->Start();
    for (std::string& bytes : std::exchange(unsent_, {})) {
      streams_->Send(std::move(bytes));
    }
  }

  void SetFrozen(bool frozen) {
    if (frozen_ == frozen || !running_ || ended_) return;
    if (!handles_.freezer.valid()) return;
    const bool v1 = handles_.freezer_dialect == launcher::Parked::kV1;
    const absl::string_view word =
        v1 ? (frozen ? "FROZEN" : "THAWED") : (frozen ? "1" : "0");
    if (pwrite(handles_.freezer.get(), word.data(), word.size(), 0) > 0) {
      frozen_ = frozen;
    }
  }

  void End(SandboxEnd end) {
    sandbox_ = 0;
    ended_ = true;
    unsent_.clear();
    if (streams_ != nullptr && running_) streams_->Finish();
    if (end.usage.memory > 0) usage_.memory = end.usage.memory;
    if (end.usage.cpu > absl::ZeroDuration()) usage_.cpu = end.usage.cpu;
    if (!start_error_.empty()) end.exit.start_error = start_error_;
    listener_.OnExit(end.exit);  // May destroy this.
  }

  LauncherSandbox& owner_;
  const SandboxSpec spec_;
  SandboxListener& listener_;
  absl::Time asked_;
  ParkedPool::TakeId take_ = 0;
  // 0 before it is taken and after its end.
  uint64_t sandbox_ = 0;
  SandboxHandles handles_;
  std::unique_ptr<SandboxStreams> streams_;
  // What is to be sent once there is somebody to send it to.
  std::deque<std::string> unsent_;
  std::string start_error_;
  bool running_ = false;
  bool frozen_ = false;
  bool ended_ = false;
  SandboxUsage usage_;
  TimerId end_timer_ = 0;
};

std::unique_ptr<SandboxProcess> LauncherSandbox::Start(
    const SandboxSpec& spec, SandboxListener& listener) {
  auto process = std::make_unique<Process>(*this, spec, listener);
  process->Begin();
  return process;
}

}  // namespace so
