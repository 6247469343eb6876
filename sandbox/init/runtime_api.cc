#include "sandbox/init/runtime_api.h"

#include <algorithm>
#include <utility>

#include "nlohmann/json.hpp"
#include "sandbox/init/fault.h"
#include "sandbox/init/json_text.h"
#include "sandbox/init/result_mapping.h"

namespace so::init {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kPrefix = "/2018-06-01/runtime/";

bool Consume(std::string_view& text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool IsHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

// It becomes a header.
bool IsRequestId(std::string_view id) {
  return !id.empty() && id.size() <= 256 &&
         std::all_of(id.begin(), id.end(),
                     [](char c) { return c > 0x20 && c < 0x7f; });
}

std::string Hex8(int64_t seconds) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (int shift = 28; shift >= 0; shift -= 4) {
    text.push_back(kDigits[static_cast<size_t>(seconds >> shift & 0xf)]);
  }
  return text;
}

}  // namespace

std::string TraceId(std::string_view traceparent, int64_t now_millis,
                    std::string_view random_hex) {
  // 00-<32 digits>-<16 digits>-<flags>
  if (traceparent.size() == 55 && traceparent[2] == '-' &&
      traceparent[35] == '-' && traceparent[52] == '-' &&
      IsHex(traceparent.substr(3, 32)) && IsHex(traceparent.substr(36, 16)) &&
      IsHex(traceparent.substr(53))) {
    const bool sampled = (traceparent[54] - '0') & 1;
    return "Root=1-" + std::string(traceparent.substr(3, 8)) + "-" +
           std::string(traceparent.substr(11, 24)) +
           ";Parent=" + std::string(traceparent.substr(36, 16)) +
           ";Sampled=" + (sampled ? "1" : "0");
  }
  return "Root=1-" + Hex8(now_millis / 1000) + "-" +
         std::string(random_hex.substr(0, 24)) + ";Sampled=0";
}

RuntimeApi::RuntimeApi(const Nonce& config_nonce, std::string function_arn,
                       size_t concurrency, RuntimeApiPort& port)
    : config_nonce_(config_nonce),
      function_arn_(std::move(function_arn)),
      concurrency_(concurrency),
      port_(port) {}

void RuntimeApi::OnRequest(ConnectionId connection, HttpRequest request) {
  std::string_view path = request.target;
  path = path.substr(0, path.find('?'));
  const bool get = request.method == "GET";
  const bool post = request.method == "POST";
  if (Consume(path, kPrefix)) {
    if (get && path == "invocation/next") return OnNext(connection);
    if (post && path == "init/error") return OnInitError(connection, request);
    if (post && Consume(path, "invocation/")) {
      return OnInvocation(connection, request, path);
    }
  }
  Refuse(connection, 404, "NotFound", "there is nothing at this path");
}

void RuntimeApi::OnClosed(ConnectionId connection) {
  std::erase(waiting_, connection);
}

bool RuntimeApi::OnInvoke(const Nonce& nonce, std::string payload) {
  TwoParts parts;
  if (state_ != State::kServing ||
      running_.size() + offered_.size() >= concurrency_ ||
      !DecodeTwoParts(payload, parts)) {
    return false;
  }
  const Json meta =
      Json::parse(parts.meta.begin(), parts.meta.end(), nullptr, false);
  if (!meta.is_object()) return false;
  const auto request_id = meta.find("requestId");
  const auto timeout = meta.find("timeoutMs");
  if (request_id == meta.end() || !request_id->is_string() ||
      !IsRequestId(request_id->get_ref<const std::string&>()) ||
      timeout == meta.end() || !timeout->is_number()) {
    return false;
  }
  Invocation invocation{
      .nonce = nonce,
      .request_id = OpenName(request_id->get<std::string>()),
      .trace_id = TraceId(meta.value("traceparent", Json()).is_string()
                              ? meta["traceparent"].get<std::string>()
                              : "",
                          port_.NowMillis(), port_.RandomHex()),
      .timeout_millis = timeout->get<int64_t>()};
  payload.erase(0, payload.size() - parts.body.size());
  invocation.event = std::move(payload);
  offered_.push_back(std::move(invocation));
  Deliver();
  return true;
}

std::string RuntimeApi::OpenName(std::string request_id) const {
  const auto taken = [this](const std::string& name) {
    return running_.contains(name) ||
           std::any_of(offered_.begin(), offered_.end(),
                       [&](const Invocation& other) {
                         return other.request_id == name;
                       });
  };
  std::string name = request_id;
  for (int i = 2; taken(name); ++i) {
    name = request_id + "-" + std::to_string(i);
  }
  return name;
}

void RuntimeApi::OnNext(ConnectionId connection) {
  if (state_ == State::kFailed || running_.size() >= concurrency_) {
    return Refuse(connection, 403, "InvalidStateTransition",
                  "the invocation before is not answered yet");
  }
  // A client that lost its connection asks again on another one.
  if (running_.size() + waiting_.size() >= concurrency_) {
    Refuse(waiting_.front(), 403, "InvalidStateTransition",
           "another request for the next invocation came");
    waiting_.pop_front();
  }
  waiting_.push_back(connection);
  if (state_ == State::kLoading) {
    state_ = State::kServing;
    port_.Send(FrameType::kReady, config_nonce_, "");
  }
  Deliver();
}

void RuntimeApi::Deliver() {
  while (!offered_.empty() && !waiting_.empty()) {
    Invocation invocation = std::move(offered_.front());
    offered_.pop_front();
    const ConnectionId connection = waiting_.front();
    waiting_.pop_front();
    port_.Send(FrameType::kStarted, invocation.nonce, "");
    running_[invocation.request_id] = invocation.nonce;
    const int64_t deadline = port_.NowMillis() + invocation.timeout_millis;
    port_.Reply(
        connection,
        {.status = 200,
         .headers = {{"Lambda-Runtime-Aws-Request-Id", invocation.request_id},
                     {"Lambda-Runtime-Deadline-Ms", std::to_string(deadline)},
                     {"Lambda-Runtime-Invoked-Function-Arn", function_arn_},
                     {"Lambda-Runtime-Trace-Id", invocation.trace_id}},
         .body = std::move(invocation.event)});
  }
}

void RuntimeApi::OnInvocation(ConnectionId connection,
                              const HttpRequest& request,
                              std::string_view path) {
  const size_t slash = path.find('/');
  const std::string_view action =
      slash == path.npos ? "" : path.substr(slash + 1);
  if (action != "response" && action != "error") {
    return Refuse(connection, 404, "NotFound", "there is nothing at this path");
  }
  const auto invocation = running_.find(path.substr(0, slash));
  if (invocation == running_.end()) {
    if (path.substr(0, slash) != answered_) {
      return Refuse(connection, 400, "InvalidRequestID", "invalid request ID");
    }
    return Refuse(connection, 403, "InvalidStateTransition",
                  "the invocation has been answered");
  }
  if (action == "response") return OnResponse(connection, request, invocation);
  Answer(invocation, FrameType::kError, FaultPayload("error", request));
  Accept(connection);
}

void RuntimeApi::OnResponse(ConnectionId connection, const HttpRequest& request,
                            Running::iterator invocation) {
  const std::string_view mode =
      request.Header("lambda-runtime-function-response-mode");
  if (!mode.empty() && mode != "streaming" && mode != "buffered") {
    return Refuse(connection, 400, "InvalidFunctionResponseMode",
                  "the response mode is neither streaming nor buffered");
  }
  if (const std::string fault = TrailerFaultPayload(request); !fault.empty()) {
    Answer(invocation, FrameType::kError, fault);
    return Accept(connection);
  }
  const MappedResult result = MapResult(request);
  if (result.fault_kind.empty()) {
    Answer(invocation, FrameType::kResult, result.payload);
    return Accept(connection);
  }
  const bool too_large = result.fault_kind == "result-too-large";
  Answer(invocation, FrameType::kError,
         FaultPayload(result.fault_kind,
                      too_large ? "Function.ResponseSizeTooLarge"
                                : "Runtime.InvalidResult",
                      result.fault_message));
  // As on AWS, a response that is only strange is accepted.
  if (!too_large) return Accept(connection);
  Refuse(connection, 413, "RequestEntityTooLarge", result.fault_message);
}

void RuntimeApi::OnInitError(ConnectionId connection,
                             const HttpRequest& request) {
  if (state_ != State::kLoading) {
    return Refuse(connection, 403, "InvalidStateTransition",
                  "the initialisation is over");
  }
  state_ = State::kFailed;
  port_.Send(FrameType::kInitError, config_nonce_, FaultPayload("", request));
  Accept(connection);
}

void RuntimeApi::Answer(Running::iterator invocation, FrameType type,
                        std::string_view payload) {
  const Nonce nonce = invocation->second;
  answered_ = invocation->first;
  running_.erase(invocation);
  port_.Send(type, nonce, payload);
}

void RuntimeApi::Accept(ConnectionId connection) {
  port_.Reply(connection, {.status = 202, .body = R"({"status":"OK"})"});
}

void RuntimeApi::Refuse(ConnectionId connection, int status,
                        std::string_view type, std::string_view message) {
  port_.Reply(
      connection,
      {.status = status,
       .body = Json{{"errorMessage", message}, {"errorType", type}}.dump()});
}

}  // namespace so::init
