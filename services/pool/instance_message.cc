#include "services/pool/instance_message.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/json_text.h"
#include "base/status_macros.h"
#include "nlohmann/json.hpp"
#include "services/pool/frame.h"

namespace so {
namespace {

using Json = nlohmann::json;
using serverless::error::v1::FunctionFault;
using serverless::pool::v1::ResponseHead;

constexpr int kContractVersion = 1;
constexpr size_t kMaxHeaders = 64;
constexpr size_t kMaxHeaderBytes = 16 << 10;
constexpr size_t kMaxTypeBytes = 256;
constexpr size_t kMaxMessageBytes = 64 << 10;
constexpr size_t kMaxStackLines = 64;
constexpr size_t kMaxStackLineBytes = 1024;

absl::Status Violation(absl::string_view what) {
  return absl::InvalidArgumentError(what);
}

// An object, or nothing. The depth check comes first: the parser recurses.
std::optional<Json> ParseObject(absl::string_view text) {
  if (!CheckJson(text).ok()) return std::nullopt;
  Json value = Json::parse(text.begin(), text.end(), nullptr,
                           /*allow_exceptions=*/false);
  if (!value.is_object()) return std::nullopt;
  return value;
}

// The string `name` of `object`, or nothing when it is missing, of another type
// or longer than `limit`.
std::optional<std::string> StringField(const Json& object, const char* name,
                                       size_t limit) {
  const auto it = object.find(name);
  if (it == object.end() || !it->is_string()) return std::nullopt;
  std::string text = it->get<std::string>();
  if (text.size() > limit) return std::nullopt;
  return text;
}

bool IsHeaderName(absl::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(c) ||
           absl::string_view("!#$%&'*+-.^_`|~").find(c) !=
               absl::string_view::npos;
  });
}

bool IsHeaderValue(absl::string_view value) {
  return std::none_of(value.begin(), value.end(), [](unsigned char c) {
    return (c < 0x20 && c != '\t') || c == 0x7f;
  });
}

absl::Status ReadHeaders(const Json& headers, ResponseHead& head) {
  if (!headers.is_object() || headers.size() > kMaxHeaders) {
    return Violation("headers of another shape");
  }
  size_t bytes = 0;
  for (const auto& [name, value] : headers.items()) {
    if (!value.is_string() || !IsHeaderName(name) ||
        !IsHeaderValue(value.get_ref<const std::string&>())) {
      return Violation("a header that cannot be one");
    }
    bytes += name.size() + value.get_ref<const std::string&>().size();
    (*head.mutable_headers())[name] = value.get<std::string>();
  }
  if (bytes > kMaxHeaderBytes) return Violation("headers too large");
  return absl::OkStatus();
}

absl::StatusOr<FunctionFault> ReadFault(const Json& object) {
  std::optional<std::string> type = StringField(object, "type", kMaxTypeBytes);
  std::optional<std::string> message =
      StringField(object, "message", kMaxMessageBytes);
  const auto stack = object.find("stack");
  if (!type || !message || stack == object.end() || !stack->is_array() ||
      stack->size() > kMaxStackLines) {
    return Violation("an error of another shape");
  }
  FunctionFault fault;
  fault.set_type(*std::move(type));
  fault.set_message(*std::move(message));
  for (const Json& line : *stack) {
    if (!line.is_string() ||
        line.get_ref<const std::string&>().size() > kMaxStackLineBytes) {
      return Violation("a stack of another shape");
    }
    fault.add_stack(line.get<std::string>());
  }
  return fault;
}

std::string Dump(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string ConfigPayload(const serverless::function::v1::Function& function,
                          absl::string_view instance_id,
                          absl::string_view code_dir) {
  const std::string version = absl::StrCat(function.version());
  const std::string memory = absl::StrCat(function.memory());
  std::map<std::string, std::string> environment(function.environment().begin(),
                                                 function.environment().end());
  environment["_HANDLER"] = function.handler();
  environment["LAMBDA_TASK_ROOT"] = std::string(code_dir);
  environment["AWS_LAMBDA_FUNCTION_NAME"] = function.name();
  environment["AWS_LAMBDA_FUNCTION_VERSION"] = version;
  environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = memory;
  return Dump(Json{
      {"contract", kContractVersion},
      {"concurrency", std::max(1, function.concurrency())},
      {"instanceId", std::string(instance_id)},
      {"functionId", function.id()},
      {"functionName", function.name()},
      {"functionVersion", version},
      {"memoryLimitInMB", memory},
      {"handler", function.handler()},
      {"codeDir", std::string(code_dir)},
      {"invokedFunctionArn",
       absl::StrCat("arn:serverless:lambda:local:000000000000:function:",
                    function.name(), ":", version)},
      {"logGroupName", absl::StrCat("/functions/", function.name())},
      {"logStreamName", absl::StrCat("[", version, "]", instance_id)},
      {"environment", environment},
  });
}

std::string InvokeMeta(absl::string_view request_id, absl::Duration timeout,
                       bool stream) {
  Json meta{{"requestId", std::string(request_id)},
            {"timeoutMs", absl::ToInt64Milliseconds(timeout)}};
  if (stream) meta["stream"] = true;
  return Dump(meta);
}

std::string CreditPayload(int32_t bytes) {
  std::string payload;
  for (int shift = 24; shift >= 0; shift -= 8) {
    payload.push_back(static_cast<char>(bytes >> shift & 0xff));
  }
  return payload;
}

absl::Status CheckHello(absl::string_view payload) {
  const std::optional<Json> hello = ParseObject(payload);
  if (!hello) return Violation("a greeting of another shape");
  const auto version = hello->find("contract");
  if (version == hello->end() || *version != kContractVersion) {
    return Violation("another version of the contract");
  }
  return absl::OkStatus();
}

absl::StatusOr<ResponseHead> ParseHead(absl::string_view payload) {
  const std::optional<Json> meta = ParseObject(payload);
  if (!meta) return Violation("a result of another shape");
  const auto status = meta->find("statusCode");
  const auto headers = meta->find("headers");
  if (status == meta->end() || headers == meta->end() ||
      !status->is_number_integer() || *status < 100 || *status > 599) {
    return Violation("a result of another shape");
  }
  ResponseHead head;
  head.set_status_code(status->get<int>());
  SO_RETURN_IF_ERROR(ReadHeaders(*headers, head));
  return head;
}

absl::StatusOr<HandlerResult> ParseResult(absl::string_view payload) {
  TwoParts parts;
  SO_RETURN_IF_ERROR(DecodeTwoParts(payload, parts));
  HandlerResult result;
  SO_ASSIGN_OR_RETURN(result.head, ParseHead(parts.meta));
  if (parts.body.size() > kMaxBodyBytes) return Violation("body too large");
  result.body = std::string(parts.body);
  return result;
}

absl::StatusOr<FunctionFault> ParseFault(absl::string_view payload) {
  const std::optional<Json> object = ParseObject(payload);
  if (!object) return Violation("an error of another shape");
  return ReadFault(*object);
}

absl::StatusOr<HandlerError> ParseHandlerError(absl::string_view payload) {
  static const std::map<std::string, HandlerErrorKind>& kinds =
      *new std::map<std::string, HandlerErrorKind>{
          {"error", HandlerErrorKind::kError},
          {"uncaught", HandlerErrorKind::kUncaught},
          {"invalid-result", HandlerErrorKind::kInvalidResult},
          {"result-too-large", HandlerErrorKind::kResultTooLarge},
      };
  const std::optional<Json> object = ParseObject(payload);
  if (!object) return Violation("an error of another shape");
  const std::optional<std::string> name = StringField(*object, "kind", 32);
  const auto kind = name ? kinds.find(*name) : kinds.end();
  if (kind == kinds.end()) return Violation("an unknown kind of error");
  SO_ASSIGN_OR_RETURN(FunctionFault fault, ReadFault(*object));
  return HandlerError{kind->second, std::move(fault)};
}

}  // namespace so
