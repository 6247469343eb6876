#include "sandbox/init/result_mapping.h"

#include <algorithm>
#include <cctype>

#include "nlohmann/json.hpp"
#include "sandbox/init/frame.h"
#include "sandbox/init/json_text.h"

namespace so::init {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxHeaders = 64;
constexpr size_t kMaxHeaderBytes = 16 << 10;
// Of the headers as they are written, escapes, nulls and spaces included.
constexpr size_t kMaxHeaderJsonBytes = 256 << 10;

// Between the prelude and the body of a streamed HTTP response.
constexpr std::string_view kPreludeEnd("\0\0\0\0\0\0\0\0", 8);
constexpr std::string_view kPreludeType =
    "application/vnd.awslambda.http-integration-response";

MappedResult Invalid(std::string message) {
  return {.fault_kind = "invalid-result", .fault_message = std::move(message)};
}

std::string Dump(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// A status code and headers; `problem` says why they cannot be ones.
struct Envelope {
  int status = 200;
  Json headers = Json::object();
  std::string problem;
};

bool IsHeaderName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) !=
               std::string_view::npos;
  });
}

bool HasControl(std::string_view value) {
  return std::any_of(value.begin(), value.end(), [](unsigned char c) {
    return (c < 0x20 && c != '\t') || c == 0x7f;
  });
}

// Adds one header, or answers what is wrong with it.
std::string AddHeader(const std::string& name, const Json& value,
                      Json& headers) {
  if (!IsHeaderName(name)) {
    return "headers: '" + name.substr(0, 64) + "' is not a header name";
  }
  if (!value.is_string() && !value.is_number() && !value.is_boolean()) {
    return "headers: " + name + " must be a string, a number or a boolean";
  }
  std::string text =
      value.is_string() ? value.get<std::string>() : value.dump();
  if (HasControl(text)) return "headers: " + name + " has a control character";
  headers[name] = std::move(text);
  return "";
}

void ReadHeaders(std::string_view text, Envelope& envelope) {
  if (text.empty() || text == "null") return;
  if (text.size() > kMaxHeaderJsonBytes) {
    envelope.problem = "headers: too large";
    return;
  }
  const Json headers = Json::parse(text.begin(), text.end(), nullptr,
                                   /*allow_exceptions=*/false);
  if (!headers.is_object()) {
    envelope.problem = "headers must be an object";
    return;
  }
  size_t bytes = 0;
  for (const auto& [name, value] : headers.items()) {
    if (value.is_null()) continue;
    envelope.problem = AddHeader(name, value, envelope.headers);
    if (!envelope.problem.empty()) return;
    bytes += name.size() +
             envelope.headers[name].get_ref<const std::string&>().size();
  }
  if (envelope.headers.size() > kMaxHeaders) {
    envelope.problem = "headers: more than " + std::to_string(kMaxHeaders);
  } else if (bytes > kMaxHeaderBytes) {
    envelope.problem =
        "headers: more than " + std::to_string(kMaxHeaderBytes) + " bytes";
  }
}

Envelope ReadEnvelope(const std::vector<JsonMember>& members) {
  Envelope envelope;
  const std::string_view status = FindMember(members, "statusCode");
  if (status.size() != 3 || status < "100" || status > "599" ||
      !std::all_of(status.begin(), status.end(),
                   [](char c) { return c >= '0' && c <= '9'; })) {
    envelope.problem = "statusCode must be an integer from 100 to 599";
    return envelope;
  }
  envelope.status = std::stoi(std::string(status));
  ReadHeaders(FindMember(members, "headers"), envelope);
  return envelope;
}

bool IsJsonContainer(std::string_view text) {
  const std::string_view trimmed = TrimJsonSpace(text);
  return !trimmed.empty() && (trimmed[0] == '{' || trimmed[0] == '[') &&
         IsJson(trimmed);
}

// The body as JSON, from the `body` of an envelope as it is written there.
std::string BodyOf(std::string_view member) {
  if (member.empty()) return "null";
  if (member[0] == '"') {
    const Json text = Json::parse(member.begin(), member.end(), nullptr, false);
    if (text.is_string() &&
        IsJsonContainer(text.get_ref<const std::string&>())) {
      return text.get<std::string>();
    }
  }
  return std::string(member);
}

MappedResult Finish(const Envelope& envelope, std::string body) {
  if (!envelope.problem.empty()) return Invalid(envelope.problem);
  if (body.find("\\u") != body.npos) {
    body = ReplaceHalfSurrogates(std::move(body));
  }
  if (body.size() > kMaxBodyBytes) {
    return {.fault_kind = "result-too-large",
            .fault_message = "the result has " + std::to_string(body.size()) +
                             " bytes, at most " +
                             std::to_string(kMaxBodyBytes) + " are allowed"};
  }
  return {.payload = EncodeTwoParts(Dump(Json{{"statusCode", envelope.status},
                                              {"headers", envelope.headers}}),
                                    body)};
}

MappedResult MapStream(std::string_view content) {
  const size_t end = content.find(kPreludeEnd);
  if (end == content.npos) return Invalid("a prelude without an end");
  const auto prelude = JsonMembers(content.substr(0, end));
  if (!prelude) return Invalid("the prelude is not a JSON object");
  Envelope envelope;
  if (FindMember(*prelude, "statusCode").empty()) {
    ReadHeaders(FindMember(*prelude, "headers"), envelope);
  } else {
    envelope = ReadEnvelope(*prelude);
  }
  const std::string_view body = content.substr(end + kPreludeEnd.size());
  return Finish(envelope, IsJsonContainer(body) ? std::string(body)
                                                : Dump(std::string(body)));
}

bool IsType(std::string_view content_type, std::string_view wanted) {
  return TrimJsonSpace(content_type.substr(0, content_type.find(';'))) ==
         wanted;
}

}  // namespace

MappedResult MapResult(const HttpRequest& response) {
  if (response.body_bytes > response.body.size()) {
    return {.fault_kind = "result-too-large",
            .fault_message = "the result has " +
                             std::to_string(response.body_bytes) +
                             " bytes, at most " +
                             std::to_string(kMaxBodyBytes) + " are allowed"};
  }
  const std::string_view content_type = response.Header("content-type");
  if (IsType(content_type, kPreludeType)) return MapStream(response.body);
  const std::string_view content = TrimJsonSpace(response.body);
  if (content.empty()) return Finish({}, "null");
  if (const auto members = JsonMembers(content)) {
    const std::string_view status = FindMember(*members, "statusCode");
    if (!status.empty() && status != "null") {
      return Finish(ReadEnvelope(*members),
                    BodyOf(FindMember(*members, "body")));
    }
    return Finish({}, std::string(content));
  }
  if (IsJson(content)) return Finish({}, std::string(content));
  // Shell scripts and streams answer with what they have.
  if (!IsType(content_type, "application/json")) {
    return Finish({}, Dump(response.body));
  }
  return Invalid("the result is not JSON, or nested too deeply");
}

}  // namespace so::init
