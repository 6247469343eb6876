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
                       RuntimeApiPort& port)
    : config_nonce_(config_nonce),
      function_arn_(std::move(function_arn)),
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
  if (waiting_ == connection) waiting_ = kNobody;
}

bool RuntimeApi::OnInvoke(const Nonce& nonce, std::string payload) {
  TwoParts parts;
  if (state_ != State::kFree || !DecodeTwoParts(payload, parts)) return false;
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
  nonce_ = nonce;
  request_id_ = request_id->get<std::string>();
  timeout_millis_ = timeout->get<int64_t>();
  trace_id_ = TraceId(meta.value("traceparent", Json()).is_string()
                          ? meta["traceparent"].get<std::string>()
                          : "",
                      port_.NowMillis(), port_.RandomHex());
  payload.erase(0, payload.size() - parts.body.size());
  event_ = std::move(payload);
  state_ = State::kOffered;
  if (waiting_ != kNobody) Deliver();
  return true;
}

void RuntimeApi::OnNext(ConnectionId connection) {
  if (state_ == State::kRunning || state_ == State::kFailed) {
    return Refuse(connection, 403, "InvalidStateTransition",
                  "the invocation before is not answered yet");
  }
  // A client that lost its connection asks again on another one.
  if (waiting_ != kNobody) {
    Refuse(std::exchange(waiting_, kNobody), 403, "InvalidStateTransition",
           "another request for the next invocation came");
  }
  waiting_ = connection;
  if (state_ == State::kLoading) {
    state_ = State::kFree;
    port_.Send(FrameType::kReady, config_nonce_, "");
  } else if (state_ == State::kOffered) {
    Deliver();
  }
}

void RuntimeApi::Deliver() {
  port_.Send(FrameType::kStarted, nonce_, "");
  state_ = State::kRunning;
  const int64_t deadline = port_.NowMillis() + timeout_millis_;
  HttpReply reply{
      .status = 200,
      .headers = {{"Lambda-Runtime-Aws-Request-Id", request_id_},
                  {"Lambda-Runtime-Deadline-Ms", std::to_string(deadline)},
                  {"Lambda-Runtime-Invoked-Function-Arn", function_arn_},
                  {"Lambda-Runtime-Trace-Id", trace_id_}},
      .body = std::exchange(event_, {})};
  port_.Reply(std::exchange(waiting_, kNobody), std::move(reply));
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
  if (path.substr(0, slash) != request_id_) {
    return Refuse(connection, 400, "InvalidRequestID", "invalid request ID");
  }
  if (state_ != State::kRunning) {
    return Refuse(connection, 403, "InvalidStateTransition",
                  "the invocation has been answered");
  }
  if (action == "response") return OnResponse(connection, request);
  Answer(FrameType::kError, FaultPayload("error", request));
  Accept(connection);
}

void RuntimeApi::OnResponse(ConnectionId connection,
                            const HttpRequest& request) {
  const std::string_view mode =
      request.Header("lambda-runtime-function-response-mode");
  if (!mode.empty() && mode != "streaming" && mode != "buffered") {
    return Refuse(connection, 400, "InvalidFunctionResponseMode",
                  "the response mode is neither streaming nor buffered");
  }
  if (const std::string fault = TrailerFaultPayload(request); !fault.empty()) {
    Answer(FrameType::kError, fault);
    return Accept(connection);
  }
  const MappedResult result = MapResult(request);
  if (result.fault_kind.empty()) {
    Answer(FrameType::kResult, result.payload);
    return Accept(connection);
  }
  const bool too_large = result.fault_kind == "result-too-large";
  Answer(FrameType::kError,
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

void RuntimeApi::Answer(FrameType type, std::string_view payload) {
  state_ = State::kFree;
  port_.Send(type, nonce_, payload);
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
