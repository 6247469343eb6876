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

Instance::~Instance() { context_.timers.Cancel(timer_); }

void Instance::Start(SandboxSpec spec) {
  if (!Apply(InstanceEvent::kStart)) return;
  spec.instance_id = id_;
  started_at_ = context_.clock.Now();
  nonce_ = MakeNonce();
  process_ = context_.sandbox.Start(spec, *this);
  process_->Send(EncodeFrame(FrameType::kConfig, nonce_,
                             ConfigPayload(*function_, id_, spec.code_dir)));
  timer_ = context_.timers.Schedule(context_.init_timeout, [this] {
    Fail(Ending::kKill, InitTimeout(function_->name(), context_.init_timeout),
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
    return absl::OkStatus();
  }
  if (!hello_seen_ || frame.nonce != nonce_) {
    return absl::InvalidArgumentError("a frame out of turn");
  }
  if (frame.type == FrameType::kReady && frame.payload.empty()) {
    context_.timers.Cancel(timer_);
    ready_at_ = idle_since_ = context_.clock.Now();
    // So that something is known of one that dies in its first call.
    process_->MeasureMemory();
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
  context_.timers.Cancel(timer_);
  if (!Apply(InstanceEvent::kFinish)) return;
  ++invocations_;
  idle_since_ = context_.clock.Now();
  result.set_instance_free(true);
  owner_.OnResult(*this, std::move(result));
}

// Measured and collected before the process is touched.
pb::Result Instance::MakeResult() {
  pb::Result result;
  result.set_request_id(request_id_);
  result.set_instance_id(id_);
  result.set_duration(
      absl::ToDoubleMilliseconds(context_.clock.Now() - invoked_at_));
  result.set_memory_used(process_->MeasureMemory());
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
  const std::string& name = function_->name();
  if (!exit.start_error.empty()) {
    context_.log.Error("instance cannot be started",
                       {{"instance_id", id_}, {"error", exit.start_error}});
    Fail(Ending::kDead, StartImpossible(name), /*by_itself=*/true);
  } else if (state_ == pb::INSTANCE_STATE_WARMING) {
    Fail(Ending::kDead, InitCrashed(name, exit), /*by_itself=*/true);
  } else if (state_ == pb::INSTANCE_STATE_BUSY && !started_seen_) {
    Leave(Ending::kDead);
    owner_.OnRejected(*this, "died-before-start");
    owner_.OnTerminating(*this, /*by_itself=*/true);
  } else if (state_ != pb::INSTANCE_STATE_TERMINATING) {
    context_.log.Warn("instance ended by itself",
                      {{"instance_id", id_}, {"exit", DescribeExit(exit)}});
    Fail(Ending::kDead, FunctionCrashed(name, exit), /*by_itself=*/true);
  }
  context_.timers.Cancel(timer_);
  owner_.OnGone(*this);
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
