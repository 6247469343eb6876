#include "services/pool/instance.h"

#include <utility>

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

void Instance::OnControl(absl::string_view bytes) {
  absl::Status broken;
  const absl::Status framing = parser_.Feed(bytes, [&](const Frame& frame) {
    if (state_ == pb::INSTANCE_STATE_TERMINATING) return false;
    broken = HandleFrame(frame);
    return broken.ok();
  });
  for (const auto& call : calls_) PassData(*call);
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

void Instance::Violated(absl::string_view what) {
  context_.log.Warn("runtime contract broken",
                    {{"instance_id", id_},
                     {"function_id", function_->id()},
                     {"problem", what}});
  if (state_ == pb::INSTANCE_STATE_BUSY) {
    FailCalls(
        Ending::kKill,
        [this](const RunningCall& call) {
          return FunctionProtocolError(function_->name(), call.started);
        },
        /*by_itself=*/true);
  } else {
    Fail(Ending::kKill, FunctionProtocolError(function_->name(), false),
         /*by_itself=*/true);
  }
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
    case pb::INSTANCE_STATE_BUSY:
      return FailCalls(
          ending, [&](const RunningCall&) { return error; }, by_itself);
    case pb::INSTANCE_STATE_WARM:
      Leave(ending);
      break;
    default:
      return;
  }
  owner_.OnTerminating(*this, by_itself);
}

void Instance::FailCalls(Ending ending, HowItEnds how, bool by_itself) {
  const std::vector<std::unique_ptr<RunningCall>> calls =
      std::exchange(calls_, {});
  // Measured and collected before the process is touched.
  std::vector<std::optional<pb::Result>> results;
  for (const auto& call : calls) {
    context_.timers.Cancel(call->timeout);
    if (call->answer) {
      // It was first.
      results.emplace_back(ResultOf(*call));
      ++invocations_;
      continue;
    }
    const std::optional<Error> error = how(*call);
    results.emplace_back();
    if (!error) continue;
    results.back() = MakeResult(*call);
    *results.back()->mutable_error() = *error;
    ++invocations_;
  }
  Leave(ending);
  for (size_t i = 0; i < calls.size(); ++i) {
    if (results[i]) {
      owner_.OnResult(*this, *calls[i], *std::move(results[i]));
    } else {
      owner_.OnRejected(*this, *calls[i], "died-before-start");
    }
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
  } else if (state_ != pb::INSTANCE_STATE_TERMINATING) {
    context_.log.Warn("instance ended by itself",
                      {{"instance_id", id_},
                       {"exit", DescribeExit(exit)},
                       {"out_of_memory", exit.out_of_memory},
                       {"lost", exit.lost}});
    if (state_ == pb::INSTANCE_STATE_BUSY) {
      FailCalls(
          Ending::kDead,
          [&](const RunningCall& call) { return CallEndedBecause(exit, call); },
          /*by_itself=*/true);
    } else {
      Fail(Ending::kDead, StartEndedBecause(exit), /*by_itself=*/true);
    }
  }
  context_.timers.Cancel(timer_);
  owner_.OnGone(*this);
}

Error Instance::StartEndedBecause(const SandboxExit& exit) const {
  const std::string& name = function_->name();
  if (exit.lost) return StartImpossible(name);
  if (exit.out_of_memory) {
    return FunctionOutOfMemory(name, memory_limit_, /*started=*/false);
  }
  return InitCrashed(name, exit);
}

std::optional<Error> Instance::CallEndedBecause(const SandboxExit& exit,
                                                const RunningCall& call) const {
  const std::string& name = function_->name();
  if (exit.out_of_memory) {
    return FunctionOutOfMemory(name, memory_limit_, call.started);
  }
  if (!call.started) return std::nullopt;
  return exit.lost ? InstanceLost(name) : FunctionCrashed(name, exit);
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
