// The invocations on an instance.
#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "base/json_text.h"
#include "base/status_macros.h"
#include "services/pool/instance.h"
#include "services/pool/instance_errors.h"

namespace so {
namespace {

namespace pb = serverless::pool::v1;

// While calls overlap, how long what was measured at the end of one is good
// enough for the next.
constexpr absl::Duration kMeasuresOverlap = absl::Milliseconds(5);

// Larger bodies are not checked on the thread that all instances share: it
// takes about a millisecond for each megabyte.
constexpr size_t kCheckElsewhereBytes = 256 << 10;

// An answer with its body, which is JSON or not.
pb::Result Checked(pb::Result answer, std::string body,
                   const absl::Status& json) {
  if (json.ok()) {
    answer.set_body(std::move(body));
  } else {
    answer.clear_status_code();
    answer.clear_headers();
    *answer.mutable_error() = ResultNotJson(json.message());
  }
  return answer;
}

}  // namespace

int Instance::concurrency() const {
  return std::max(1, function_->concurrency());
}

bool Instance::accepts() const {
  return state_ == pb::INSTANCE_STATE_WARM ||
         (state_ == pb::INSTANCE_STATE_BUSY && !spent_ &&
          static_cast<int>(calls_.size()) < concurrency());
}

void Instance::Invoke(RouterId router, const pb::Dispatch& dispatch) {
  if (!Apply(InstanceEvent::kInvoke)) return;
  calls_.push_back(std::make_unique<RunningCall>(context_.log_limit));
  RunningCall& call = *calls_.back();
  const absl::Duration timeout = absl::Milliseconds(dispatch.timeout());
  call.router = router;
  call.dispatch_id = dispatch.dispatch_id();
  call.request_id = dispatch.request_id();
  call.stream = dispatch.stream();
  call.nonce = MakeNonce();
  call.began = context_.clock.Now();
  if (std::exchange(frozen_, false)) process_->Thaw();
  call.timeout = context_.timers.Schedule(timeout, [this, timeout, &call] {
    Abandon(call, FunctionTimeout(function_->name(), timeout, call.started),
            /*by_itself=*/true);
  });
  process_->Send(EncodeFrame(FrameType::kInvoke, call.nonce,
                             InvokeMeta(call.request_id, timeout, call.stream),
                             dispatch.event()));
}

void Instance::Cancel(RouterId router, uint64_t dispatch_id) {
  RunningCall* call = FindCall(router, dispatch_id);
  if (call == nullptr || call->answer) return;
  Abandon(*call, CallCancelled(function_->name(), call->started),
          /*by_itself=*/false);
}

RunningCall* Instance::FindCall(RouterId router, uint64_t dispatch_id) {
  for (const auto& call : calls_) {
    if (call->router == router && call->dispatch_id == dispatch_id) {
      return call.get();
    }
  }
  return nullptr;
}

RunningCall* Instance::FindCall(const Nonce& nonce) {
  for (const auto& call : calls_) {
    if (call->nonce == nonce) return call.get();
  }
  return nullptr;
}

RunningCall* Instance::FindCall(absl::string_view request_id) {
  for (const auto& call : calls_) {
    if (call->request_id == request_id && !call->answer) return call.get();
  }
  return nullptr;
}

absl::Status Instance::HandleBusy(const Frame& frame) {
  RunningCall* call = FindCall(frame.nonce);
  if (call == nullptr) {
    if (absl::c_linear_search(abandoned_, frame.nonce)) return absl::OkStatus();
    return absl::InvalidArgumentError("an answer to nobody's question");
  }
  if (call->answer) return absl::InvalidArgumentError("a second answer");
  if (frame.type == FrameType::kStarted) {
    return HandleStarted(*call, frame.payload);
  }
  if (!call->started) return absl::InvalidArgumentError("not started yet");
  switch (frame.type) {
    case FrameType::kResult:
      return HandleResult(*call, frame.payload);
    case FrameType::kError:
      return HandleError(*call, frame.payload);
    case FrameType::kHead:
      return HandleHead(*call, frame.payload);
    case FrameType::kData:
      return HandleData(*call, frame.payload);
    case FrameType::kEnd:
      return HandleEnd(*call, frame.payload);
    case FrameType::kLog:
      return HandleLog(*call, frame.payload);
    default:
      return absl::InvalidArgumentError("an unexpected frame");
  }
}

absl::Status Instance::HandleStarted(RunningCall& call,
                                     absl::string_view payload) {
  if (call.started || !payload.empty()) {
    return absl::InvalidArgumentError("started twice, or with something");
  }
  call.started = true;
  call.began = context_.clock.Now();
  owner_.OnStarted(*this, call);
  return absl::OkStatus();
}

absl::Status Instance::HandleResult(RunningCall& call,
                                    absl::string_view payload) {
  if (call.head) return absl::InvalidArgumentError("a result after a head");
  SO_ASSIGN_OR_RETURN(HandlerResult handler_result, ParseResult(payload));
  pb::Result result = MakeResult(call);
  result.set_status_code(handler_result.head.status_code());
  result.mutable_headers()->swap(*handler_result.head.mutable_headers());
  std::string& body = handler_result.body;
  if (body.size() <= kCheckElsewhereBytes) {
    const absl::Status json = CheckJson(body);
    Finish(call, Checked(std::move(result), std::move(body), json));
    return absl::OkStatus();
  }
  // It is in time, however long the check takes.
  context_.timers.Cancel(call.timeout);
  call.answer = std::move(result);
  call.body = std::make_shared<std::string>(std::move(body));
  CheckElsewhere(call);
  return absl::OkStatus();
}

void Instance::CheckElsewhere(const RunningCall& call) {
  context_.worker.Post([&executor = context_.executor, nonce = call.nonce,
                        body = call.body,
                        self = std::weak_ptr<Instance*>(self_)] {
    executor.Post([nonce, self, json = CheckJson(*body)] {
      if (const auto instance = self.lock(); instance != nullptr) {
        (*instance)->OnChecked(nonce, json);
      }
    });
  });
}

void Instance::OnChecked(const Nonce& nonce, const absl::Status& json) {
  RunningCall* call = FindCall(nonce);
  // It may have ended by now, with this very answer.
  if (call == nullptr) return;
  Finish(*call, Checked(*std::exchange(call->answer, std::nullopt),
                        std::move(*call->body), json));
}

pb::Result Instance::ResultOf(const RunningCall& call) {
  return Checked(*call.answer, *call.body, CheckJson(*call.body));
}

absl::Status Instance::HandleError(RunningCall& call,
                                   absl::string_view payload) {
  SO_ASSIGN_OR_RETURN(const HandlerError error, ParseHandlerError(payload));
  const Error explained = FunctionError(function_->name(), error);
  if (error.kind == HandlerErrorKind::kUncaught) {
    // It was thrown outside of every call, and takes all of them along.
    Fail(Ending::kAsk, explained, /*by_itself=*/true);
    return absl::OkStatus();
  }
  pb::Result result = MakeResult(call);
  *result.mutable_error() = explained;
  Finish(call, std::move(result));
  return absl::OkStatus();
}

absl::Status Instance::HandleLog(RunningCall& call, absl::string_view payload) {
  if (concurrency() == 1 || payload.empty() ||
      payload.size() > kMaxPieceBytes) {
    return absl::InvalidArgumentError("a log that is not expected");
  }
  call.output.Append(payload);
  return absl::OkStatus();
}

void Instance::OnOutput(absl::string_view bytes) {
  if (concurrency() == 1) return output_.Append(bytes);
  lines_.Append(bytes, [this](absl::string_view line) {
    if (RunningCall* call = FindCall(RequestIdOfLine(line)); call != nullptr) {
      call->output.Append(line);
    } else {
      output_.Append("[instance] ");
      output_.Append(line);
    }
  });
}

void Instance::Finish(RunningCall& call, pb::Result result) {
  context_.timers.Cancel(call.timeout);
  const auto position =
      absl::c_find_if(calls_, [&](const auto& c) { return c.get() == &call; });
  const std::unique_ptr<RunningCall> ended = std::move(*position);
  calls_.erase(position);
  ++invocations_;
  // Processes of a neighbour that still runs are none of this one's.
  if (calls_.empty() && LeftProcessesBehind()) spent_ = true;
  if (calls_.empty() && spent_) {
    Leave(Ending::kKill);
    owner_.OnResult(*this, *ended, std::move(result));
    owner_.OnTerminating(*this, /*by_itself=*/true);
    return;
  }
  if (calls_.empty()) {
    if (!Apply(InstanceEvent::kFinish)) return;
    idle_since_ = context_.clock.Now();
    FreezeWhenIdle();
  }
  result.set_instance_free(!spent_);
  owner_.OnResult(*this, *ended, std::move(result));
}

absl::Duration Instance::Measure() {
  const absl::Time now = context_.clock.Now();
  // It takes system calls, a fifth of what a call costs here.
  if (calls_.size() > 1 && now - measured_ < kMeasuresOverlap) return {};
  measured_ = now;
  const absl::Duration before = usage_.cpu;
  usage_ = process_->Measure();
  return usage_.cpu - before;
}

bool Instance::LeftProcessesBehind() const {
  if (usage_.processes <= first_processes_) return false;
  context_.log.Info("instance left processes behind",
                    {{"instance_id", id_},
                     {"function_id", function_->id()},
                     {"processes", usage_.processes}});
  return true;
}

void Instance::Abandon(RunningCall& call, const Error& error, bool by_itself) {
  if (calls_.size() == 1) return Fail(Ending::kKill, error, by_itself);
  spent_ = true;
  abandoned_.push_back(call.nonce);
  pb::Result result = MakeResult(call);
  *result.mutable_error() = error;
  Finish(call, std::move(result));
}

pb::Result Instance::MakeResult(RunningCall& call) {
  PassData(call);
  pb::Result result;
  result.set_request_id(call.request_id);
  result.set_dispatch_id(call.dispatch_id);
  result.set_instance_id(id_);
  result.set_duration(
      absl::ToDoubleMilliseconds(context_.clock.Now() - call.began));
  const absl::Duration cpu = Measure();
  result.set_memory_used(usage_.memory);
  result.set_cpu_time(absl::ToDoubleMilliseconds(cpu));
  process_->DrainOutput();
  for (OutputCapture* part : {&output_, &call.output}) {
    CapturedOutput output = part->Take();
    for (std::string& line : output.lines) result.add_logs(std::move(line));
    if (output.truncated) result.set_logs_truncated(true);
  }
  return result;
}

}  // namespace so
