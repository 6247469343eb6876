#include "services/pool/instance.h"

#include <utility>

#include "base/json_text.h"
#include "base/status_macros.h"
#include "services/pool/instance_errors.h"

namespace so {
namespace {

namespace pb = serverless::pool::v1;

constexpr Nonce kNoNonce{};

}  // namespace

Instance::Instance(const InstanceContext& context, std::string id,
                   FunctionPtr function, InstanceOwner& owner)
    : context_(context),
      id_(std::move(id)),
      function_(std::move(function)),
      owner_(owner),
      output_(context.log_limit),
      created_(context.clock.Now()) {}

Instance::~Instance() {
  context_.timers.Cancel(timer_);
  context_.timers.Cancel(freeze_timer_);
}

void Instance::Start(SandboxSpec spec) {
  if (!Apply(InstanceEvent::kStart)) return;
  spec.instance_id = id_;
  memory_limit_ = spec.memory;
  started_at_ = context_.clock.Now();
  nonce_ = MakeNonce();
  process_ = context_.sandbox.Start(spec, *this);
  process_->Send(EncodeFrame(FrameType::kConfig, nonce_,
                             ConfigPayload(*function_, id_, kSandboxCodeDir)));
  timer_ = context_.timers.Schedule(context_.init_timeout, [this] {
    context_.log.Error("no sandbox in time", {{"instance_id", id_}});
    Fail(Ending::kKill, StartImpossible(function_->name()),
         /*by_itself=*/true);
  });
}

void Instance::Invoke(const pb::Dispatch& dispatch) {
  if (!Apply(InstanceEvent::kInvoke)) return;
  const absl::Duration timeout = absl::Milliseconds(dispatch.timeout());
  request_id_ = dispatch.request_id();
  nonce_ = MakeNonce();
  started_seen_ = false;
  invoked_at_ = context_.clock.Now();
  if (std::exchange(frozen_, false)) process_->Thaw();
  timer_ = context_.timers.Schedule(timeout, [this, timeout] {
    Fail(Ending::kKill,
         FunctionTimeout(function_->name(), timeout, started_seen_),
         /*by_itself=*/true);
  });
  process_->Send(
      EncodeFrame(FrameType::kInvoke, nonce_,
                  InvokePayload(request_id_, timeout, dispatch.event())));
}

void Instance::Retire() {
  Fail(Ending::kAsk, InstanceLost(function_->name()), /*by_itself=*/false);
}

void Instance::Abort(const Error& error) {
  Fail(Ending::kKill, error, /*by_itself=*/false);
}

absl::Duration Instance::idle() const {
  return state_ == pb::INSTANCE_STATE_WARM ? context_.clock.Now() - idle_since_
                                           : absl::ZeroDuration();
}

void Instance::OnOutput(absl::string_view bytes) { output_.Append(bytes); }

void Instance::OnControl(absl::string_view bytes) {
  absl::Status broken;
  const absl::Status framing = parser_.Feed(bytes, [&](const Frame& frame) {
    if (state_ == pb::INSTANCE_STATE_TERMINATING) return false;
    broken = HandleFrame(frame);
    return broken.ok();
  });
  if (state_ == pb::INSTANCE_STATE_TERMINATING) return;
  if (!framing.ok()) {
    Violated(framing.message());
  } else if (!broken.ok()) {
    Violated(broken.message());
  }
}

absl::Status Instance::HandleFrame(const Frame& frame) {
  switch (state_) {
    case pb::INSTANCE_STATE_WARMING:
      return HandleWarming(frame);
    case pb::INSTANCE_STATE_BUSY:
      return HandleBusy(frame);
    default:
      return absl::InvalidArgumentError("a frame out of turn");
  }
}

absl::Status Instance::HandleWarming(const Frame& frame) {
  if (frame.type == FrameType::kHello && !hello_seen_ &&
      frame.nonce == kNoNonce) {
    SO_RETURN_IF_ERROR(CheckHello(frame.payload));
    hello_seen_ = true;
    hello_at_ = context_.clock.Now();
    context_.timers.Cancel(timer_);
    timer_ = context_.timers.Schedule(context_.init_timeout, [this] {
      Fail(Ending::kKill, InitTimeout(function_->name(), context_.init_timeout),
           /*by_itself=*/true);
    });
    return absl::OkStatus();
  }
  if (!hello_seen_ || frame.nonce != nonce_) {
    return absl::InvalidArgumentError("a frame out of turn");
  }
  if (frame.type == FrameType::kReady && frame.payload.empty()) {
    context_.timers.Cancel(timer_);
    ready_at_ = idle_since_ = context_.clock.Now();
    usage_ = process_->Measure();
    first_processes_ = usage_.processes;
    FreezeWhenIdle();
    if (Apply(InstanceEvent::kReady)) owner_.OnWarm(*this);
    return absl::OkStatus();
  }
  if (frame.type == FrameType::kInitError) {
    SO_ASSIGN_OR_RETURN(const auto fault, ParseFault(frame.payload));
    Fail(Ending::kAsk, InitFailed(function_->name(), fault),
         /*by_itself=*/true);
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError("an unexpected frame");
}

absl::Status Instance::HandleBusy(const Frame& frame) {
  if (frame.nonce != nonce_) {
    return absl::InvalidArgumentError("an answer to nobody's question");
  }
  if (frame.type == FrameType::kStarted && !started_seen_ &&
      frame.payload.empty()) {
    started_seen_ = true;
    invoked_at_ = context_.clock.Now();
    owner_.OnStarted(*this);
    return absl::OkStatus();
  }
  if (!started_seen_) return absl::InvalidArgumentError("not started yet");
  if (frame.type == FrameType::kResult) return HandleResult(frame.payload);
  if (frame.type == FrameType::kError) return HandleError(frame.payload);
  return absl::InvalidArgumentError("an unexpected frame");
}

absl::Status Instance::HandleResult(absl::string_view payload) {
  SO_ASSIGN_OR_RETURN(HandlerResult handler_result, ParseResult(payload));
  pb::Result result = MakeResult();
  if (const absl::Status json = CheckJson(handler_result.body); json.ok()) {
    result.set_status_code(handler_result.status_code);
    *result.mutable_headers() = std::move(handler_result.headers);
    result.set_body(std::move(handler_result.body));
  } else {
    *result.mutable_error() = ResultNotJson(json.message());
  }
  Finish(std::move(result));
  return absl::OkStatus();
}

absl::Status Instance::HandleError(absl::string_view payload) {
  SO_ASSIGN_OR_RETURN(const HandlerError error, ParseHandlerError(payload));
  const Error explained = FunctionError(function_->name(), error);
  if (error.kind == HandlerErrorKind::kUncaught) {
    Fail(Ending::kAsk, explained, /*by_itself=*/true);
    return absl::OkStatus();
  }
  pb::Result result = MakeResult();
  *result.mutable_error() = explained;
  Finish(std::move(result));
  return absl::OkStatus();
}

void Instance::Finish(pb::Result result) {
  if (usage_.processes > first_processes_) return Discard(std::move(result));
  context_.timers.Cancel(timer_);
  if (!Apply(InstanceEvent::kFinish)) return;
  ++invocations_;
  idle_since_ = context_.clock.Now();
  FreezeWhenIdle();
  result.set_instance_free(true);
  owner_.OnResult(*this, std::move(result));
}

void Instance::Discard(pb::Result result) {
  context_.log.Info("instance left processes behind",
                    {{"instance_id", id_},
                     {"function_id", function_->id()},
                     {"processes", usage_.processes}});
  ++invocations_;
  Leave(Ending::kKill);
  owner_.OnResult(*this, std::move(result));
  owner_.OnTerminating(*this, /*by_itself=*/true);
}

void Instance::FreezeWhenIdle() {
  if (freeze_timer_ != 0) return;
  const absl::Duration left =
      idle_since_ + context_.freeze_after - context_.clock.Now();
  freeze_timer_ = context_.timers.Schedule(left, [this] {
    freeze_timer_ = 0;
    if (state_ != pb::INSTANCE_STATE_WARM || frozen_) return;
    if (idle() < context_.freeze_after) return FreezeWhenIdle();
    frozen_ = true;
    process_->Freeze();
  });
}

// Measured and collected before the process is touched.
pb::Result Instance::MakeResult() {
  pb::Result result;
  result.set_request_id(request_id_);
  result.set_instance_id(id_);
  result.set_duration(
      absl::ToDoubleMilliseconds(context_.clock.Now() - invoked_at_));
  const absl::Duration cpu_before = usage_.cpu;
  usage_ = process_->Measure();
  result.set_memory_used(usage_.memory);
  result.set_cpu_time(absl::ToDoubleMilliseconds(usage_.cpu - cpu_before));
  process_->DrainOutput();
  CapturedOutput output = output_.Take();
  for (std::string& line : output.lines) result.add_logs(std::move(line));
  result.set_logs_truncated(output.truncated);
  return result;
}

void Instance::Violated(absl::string_view what) {
  context_.log.Warn("runtime contract broken",
                    {{"instance_id", id_},
                     {"function_id", function_->id()},
                     {"problem", what}});
  Fail(Ending::kKill, FunctionProtocolError(function_->name(), started_seen_),
       /*by_itself=*/true);
}

void Instance::Fail(Ending ending, const Error& error, bool by_itself) {
  switch (state_) {
    case pb::INSTANCE_STATE_COLD:
    case pb::INSTANCE_STATE_WARMING: {
      if (process_ != nullptr) process_->DrainOutput();
      CapturedOutput output = output_.Take();
      Leave(ending);
      owner_.OnStartFailed(*this, error, std::move(output.lines));
      break;
    }
    case pb::INSTANCE_STATE_BUSY: {
      pb::Result result = MakeResult();
      *result.mutable_error() = error;
      ++invocations_;
      Leave(ending);
      owner_.OnResult(*this, std::move(result));
      break;
    }
    case pb::INSTANCE_STATE_WARM:
      Leave(ending);
      break;
    default:
      return;
  }
  owner_.OnTerminating(*this, by_itself);
}

void Instance::Leave(Ending ending) {
  if (!Apply(InstanceEvent::kEnd)) return;
  context_.timers.Cancel(timer_);
  if (process_ == nullptr) {
    timer_ = context_.timers.Schedule(absl::ZeroDuration(),
                                      [this] { owner_.OnGone(*this); });
  } else if (ending == Ending::kKill) {
    process_->Kill();
  } else if (ending == Ending::kAsk) {
    process_->Terminate();
    timer_ = context_.timers.Schedule(context_.terminate_grace,
                                      [this] { process_->Kill(); });
  }
}

void Instance::OnExit(const SandboxExit& exit) {
  if (!exit.start_error.empty()) {
    context_.log.Error("instance cannot be started",
                       {{"instance_id", id_}, {"error", exit.start_error}});
    Fail(Ending::kDead, StartImpossible(function_->name()),
         /*by_itself=*/true);
  } else if (state_ == pb::INSTANCE_STATE_BUSY && !started_seen_ &&
             !exit.out_of_memory) {
    Leave(Ending::kDead);
    owner_.OnRejected(*this, "died-before-start");
    owner_.OnTerminating(*this, /*by_itself=*/true);
  } else if (state_ != pb::INSTANCE_STATE_TERMINATING) {
    context_.log.Warn("instance ended by itself",
                      {{"instance_id", id_},
                       {"exit", DescribeExit(exit)},
                       {"out_of_memory", exit.out_of_memory},
                       {"lost", exit.lost}});
    Fail(Ending::kDead, EndedBecause(exit), /*by_itself=*/true);
  }
  context_.timers.Cancel(timer_);
  owner_.OnGone(*this);
}

Error Instance::EndedBecause(const SandboxExit& exit) const {
  const std::string& name = function_->name();
  const bool warming = state_ == pb::INSTANCE_STATE_WARMING;
  if (exit.lost) return warming ? StartImpossible(name) : InstanceLost(name);
  if (exit.out_of_memory) {
    return FunctionOutOfMemory(name, memory_limit_, !warming && started_seen_);
  }
  return warming ? InitCrashed(name, exit) : FunctionCrashed(name, exit);
}

bool Instance::Apply(InstanceEvent event) {
  const std::optional<InstanceState> next = NextState(state_, event);
  if (!next) {
    context_.log.Error("BUG: impossible transition",
                       {{"instance_id", id_},
                        {"state", StateName(state_)},
                        {"event", EventName(event)}});
    return false;
  }
  state_ = *next;
  return true;
}

}  // namespace so
