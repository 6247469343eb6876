#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/timers.h"
#include "services/pool/frame.h"
#include "services/pool/instance_message.h"
#include "services/pool/instance_state.h"
#include "services/pool/output_capture.h"
#include "services/pool/output_lines.h"
#include "services/pool/running_call.h"
#include "services/pool/sandbox.h"
#include "services/registry/client/function_directory.h"

namespace so {

class Instance;

// Hears what happens to an instance, always as the last thing the instance does
// in its current step: calling back into it is fine, destroying it is not,
// except in OnGone.
class InstanceOwner {
 public:
  virtual ~InstanceOwner() = default;
  // WARMING -> WARM.
  virtual void OnWarm(Instance& instance) = 0;
  // It never became warm. OnTerminating follows.
  virtual void OnStartFailed(Instance& instance, const Error& error,
                             std::vector<std::string> logs) = 0;
  // The process has acknowledged an invocation: user code runs.
  virtual void OnStarted(Instance& instance, const RunningCall& call) = 0;
  // A part of an answer that is streamed.
  virtual void OnPart(Instance& instance, const RunningCall& call,
                      serverless::pool::v1::ResponsePart part) = 0;
  // An invocation has ended; `call` is gone from the instance. It takes another
  // in its place, unless `result` says that it is not free: then OnTerminating
  // follows, at the latest when its other invocations have ended.
  virtual void OnResult(Instance& instance, const RunningCall& call,
                        serverless::pool::v1::Result result) = 0;
  // It died before user code saw the invocation. OnTerminating follows.
  virtual void OnRejected(Instance& instance, const RunningCall& call,
                          absl::string_view reason) = 0;
  // -> TERMINATING. `by_itself`: nobody asked for it.
  virtual void OnTerminating(Instance& instance, bool by_itself) = 0;
  // The process is gone; nothing follows. The owner destroys the instance.
  virtual void OnGone(Instance& instance) = 0;
};

// What instances need from around them; all borrowed.
struct InstanceContext {
  Clock& clock;
  Timers& timers;
  Sandbox& sandbox;
  const Logger& log;
  // Where instances live, and where what takes long is done meanwhile.
  Executor& executor;
  Executor& worker;
  // How long it may take to start, and again to load its code.
  absl::Duration init_timeout = absl::Seconds(10);
  // How long it may go on running while it has nothing to do.
  absl::Duration freeze_after = absl::Milliseconds(50);
  // Between SIGTERM and SIGKILL.
  absl::Duration terminate_grace = absl::Milliseconds(500);
  // Bytes of output kept per invocation.
  size_t log_limit = 1 << 20;
};

// One instance of a function: its process, its state, and the conversation with
// it. Believes nothing the process says, and ends it when it breaks the runtime
// contract. For the loop thread.
//
//   Instance instance(context, "inst-000001", function, owner);
//   instance.Start(spec);                   // -> OnWarm
//   instance.Invoke(router, dispatch);      // -> OnStarted, OnResult
//   instance.Retire();                      // -> OnTerminating, OnGone
class Instance final : private SandboxListener {
 public:
  Instance(const InstanceContext& context, std::string id, FunctionPtr function,
           InstanceOwner& owner);
  // Kills what is still running.
  ~Instance() override;

  const std::string& id() const { return id_; }
  const serverless::function::v1::Function& function() const {
    return *function_;
  }
  const FunctionPtr& function_ptr() const { return function_; }
  InstanceState state() const { return state_; }

  // COLD -> WARMING. `spec` is complete but for the id.
  void Start(SandboxSpec spec);
  // Whether Invoke is allowed: it runs fewer invocations than the function's
  // `concurrency`, and is to go on after them.
  bool accepts() const;
  // WARM or BUSY -> BUSY.
  void Invoke(RouterId router, const serverless::pool::v1::Dispatch& dispatch);
  // Ends one invocation with CANCELLED, if it is still running. Nothing can
  // stop a handler but the end of its process: that comes at once, or when the
  // other invocations on it have ended.
  void Cancel(RouterId router, uint64_t dispatch_id);
  // Lets an invocation of that router stream more; nothing when it has ended.
  void Grant(RouterId router, const serverless::pool::v1::Credit& credit);
  // Nobody hears of that router's invocations any more. Those that stream go on
  // without waiting for a reader.
  void ForgetRouter(RouterId router);
  // Ends it in an orderly way. What it is doing ends with INSTANCE_LOST.
  void Retire();
  // Ends it at once; a start or an invocation under way ends with `error`.
  void Abort(const Error& error);

  absl::Duration age() const { return context_.clock.Now() - created_; }
  // Since it became free; zero when it is not.
  absl::Duration idle() const;
  int invocations() const { return invocations_; }
  // Peak, in MB.
  double memory() const { return process_ ? process_->Measure().memory : 0; }
  // How long it took to get a sandbox with a runtime in it, and to load the
  // code.
  absl::Duration start_duration() const { return hello_at_ - started_at_; }
  absl::Duration init_duration() const { return ready_at_ - hello_at_; }

 private:
  void OnControl(absl::string_view bytes) override;
  void OnOutput(absl::string_view bytes) override;
  void OnExit(const SandboxExit& exit) override;

  // These return an error for a violation of the contract.
  absl::Status HandleFrame(const Frame& frame);
  absl::Status HandleWarming(const Frame& frame);
  absl::Status HandleBusy(const Frame& frame);
  absl::Status HandleStarted(RunningCall& call, absl::string_view payload);
  absl::Status HandleResult(RunningCall& call, absl::string_view payload);
  // The body of an answer has been checked elsewhere.
  void OnChecked(const Nonce& nonce, const absl::Status& json);
  absl::Status HandleError(RunningCall& call, absl::string_view payload);
  absl::Status HandleLog(RunningCall& call, absl::string_view payload);

  // ---- streamed answers (instance_streams.cc)
  absl::Status HandleHead(RunningCall& call, absl::string_view payload);
  absl::Status HandleData(RunningCall& call, absl::string_view payload);
  absl::Status HandleEnd(RunningCall& call, absl::string_view payload);
  // Passes on the data that has come; what comes in one read goes in one part.
  void PassData(RunningCall& call);
  void Pass(RunningCall& call, serverless::pool::v1::ResponsePart part);
  void GiveCredit(RunningCall& call, int32_t bytes);

  enum class Ending { kAsk, kKill, kDead };
  // Moves to the state that the table names; a wrong event is logged as a bug.
  bool Apply(InstanceEvent event);
  // -> TERMINATING, and sees to it that the process ends.
  void Leave(Ending ending);
  // Leave, telling the owner how what was under way has ended.
  void Fail(Ending ending, const Error& error, bool by_itself);
  // The same for each invocation in its own way; no error means that user code
  // has not seen it.
  using HowItEnds =
      absl::FunctionRef<std::optional<Error>(const RunningCall& call)>;
  void FailCalls(Ending ending, HowItEnds how, bool by_itself);
  // How an invocation ends with a process that has ended by itself.
  std::optional<Error> CallEndedBecause(const SandboxExit& exit,
                                        const RunningCall& call) const;
  // Why a start came to nothing.
  Error StartEndedBecause(const SandboxExit& exit) const;

  // ---- invocations (instance_calls.cc)
  RunningCall* FindCall(const Nonce& nonce);
  RunningCall* FindCall(RouterId router, uint64_t dispatch_id);
  // By the client's name for it; none that has answered.
  RunningCall* FindCall(absl::string_view request_id);
  // Ends one invocation and leaves the others alone.
  void Finish(RunningCall& call, serverless::pool::v1::Result result);
  // Ends one whose handler may go on running: the instance is of no use once
  // the others have ended.
  void Abandon(RunningCall& call, const Error& error, bool by_itself);
  serverless::pool::v1::Result MakeResult(RunningCall& call);
  void CheckElsewhere(const RunningCall& call);
  // The result of a call that has answered and whose body cannot be waited for:
  // checks it here and now.
  static serverless::pool::v1::Result ResultOf(const RunningCall& call);
  // Brings `usage_` up to date; returns the processor time since the last look.
  absl::Duration Measure();
  bool LeftProcessesBehind() const;
  int concurrency() const;
  // Freezes it once it has been idle for long enough. One timer runs at most,
  // so that a busy instance does not make one for every invocation.
  void FreezeWhenIdle();
  void Violated(absl::string_view what);

  const InstanceContext& context_;
  const std::string id_;
  const FunctionPtr function_;
  InstanceOwner& owner_;
  InstanceState state_ = serverless::pool::v1::INSTANCE_STATE_COLD;
  std::unique_ptr<SandboxProcess> process_;
  FrameParser parser_;
  // What was printed since the last result; with concurrency, what nobody knows
  // the invocation of.
  OutputCapture output_;
  // Start or init timeout, grace or last step: one at a time.
  TimerId timer_ = 0;
  TimerId freeze_timer_ = 0;
  bool frozen_ = false;
  // Of CONFIG: what the process must answer with.
  Nonce nonce_{};
  bool hello_seen_ = false;
  std::vector<std::unique_ptr<RunningCall>> calls_;
  // Those whose handlers may still be running and answering.
  std::vector<Nonce> abandoned_;
  // It ends with the last of its invocations.
  bool spent_ = false;
  OutputLines lines_;  // With concurrency only.
  int invocations_ = 0;
  const absl::Time created_;
  absl::Time started_at_, hello_at_, ready_at_;
  absl::Time idle_since_;
  // MB that it was given.
  int memory_limit_ = 0;
  // When it had just become warm.
  int first_processes_ = 0;
  // At the last look, and when that was.
  SandboxUsage usage_;
  absl::Time measured_;
  // Expires with it: for work that comes back from elsewhere.
  const std::shared_ptr<Instance*> self_ = std::make_shared<Instance*>(this);
};

}  // namespace so
