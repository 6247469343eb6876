#include "sandbox/init/fault.h"

#include <algorithm>

#include "nlohmann/json.hpp"
#include "sandbox/init/json_text.h"

namespace so::init {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxTypeBytes = 256;
constexpr size_t kMaxMessageBytes = 64 << 10;
constexpr size_t kMaxStackLines = 64;
constexpr size_t kMaxStackLineBytes = 1024;
// Of a description. One of more is shown as text, cut.
constexpr size_t kMaxDescriptionBytes = 512 << 10;
constexpr std::string_view kTypeHeader = "lambda-runtime-function-error-type";
constexpr std::string_view kBodyTrailer = "lambda-runtime-function-error-body";

std::string Dump(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// At most `limit` bytes of UTF-8.
std::string Cut(std::string_view text, size_t limit) {
  // Through JSON and back: what is not UTF-8 becomes U+FFFD.
  std::string clean =
      Json::parse(Dump(std::string(text.substr(0, limit)))).get<std::string>();
  if (clean.size() <= limit) return clean;
  while (limit > 0 && (clean[limit] & 0xc0) == 0x80) --limit;
  clean.resize(limit);
  return clean;
}

std::string TextField(const Json& object, const char* name) {
  const auto it = object.find(name);
  if (it == object.end() || it->is_null()) return "";
  return it->is_string() ? it->get<std::string>() : Dump(*it);
}

// Node's and Python's frames are text, Go's are objects.
std::string StackLine(const Json& frame) {
  if (frame.is_string()) return frame.get<std::string>();
  if (!frame.is_object()) return Dump(frame);
  return TextField(frame, "label") + " (" + TextField(frame, "path") + ":" +
         TextField(frame, "line") + ")";
}

Json Stack(const Json& description) {
  Json lines = Json::array();
  for (const char* name : {"stackTrace", "trace"}) {
    const auto frames = description.find(name);
    if (frames == description.end() || !frames->is_array()) continue;
    for (const Json& frame : *frames) {
      if (lines.size() == kMaxStackLines) break;
      lines.push_back(Cut(StackLine(frame), kMaxStackLineBytes));
    }
    break;
  }
  return lines;
}

std::string Payload(std::string_view kind, std::string_view type,
                    std::string_view message, Json stack) {
  Json fault = {{"type", Cut(type.empty() ? "Error" : type, kMaxTypeBytes)},
                {"message", Cut(message, kMaxMessageBytes)},
                {"stack", std::move(stack)}};
  if (!kind.empty()) fault["kind"] = kind;
  return Dump(fault);
}

std::string Describe(std::string_view kind, std::string_view type,
                     std::string_view body) {
  if (body.size() > kMaxDescriptionBytes || !IsJson(body)) {
    return Payload(kind, type, body, Json::array());
  }
  const Json description =
      Json::parse(body.begin(), body.end(), nullptr, false);
  if (!description.is_object()) {
    return Payload(kind, type, body, Json::array());
  }
  const std::string named = TextField(description, "errorType");
  return Payload(kind, named.empty() ? type : named,
                 TextField(description, "errorMessage"), Stack(description));
}

// Without what is not base64; clients encode without line breaks.
std::string DecodeBase64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    const size_t digit = kDigits.find(c);
    if (digit == kDigits.npos) break;
    bits = (bits << 6 | static_cast<unsigned>(digit)) & 0xffffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>(bits >> count & 0xff));
  }
  return bytes;
}

}  // namespace

std::string FaultPayload(std::string_view kind, const HttpRequest& error) {
  return Describe(kind, error.Header(kTypeHeader), error.body);
}

std::string FaultPayload(std::string_view kind, std::string_view type,
                         std::string_view message) {
  return Payload(kind, type, message, Json::array());
}

std::string TrailerFaultPayload(const HttpRequest& response) {
  const std::string_view type = response.Header(kTypeHeader);
  const std::string_view body = response.Header(kBodyTrailer);
  if (type.empty() && body.empty()) return "";
  return Describe("error", type, DecodeBase64(body));
}

}  // namespace so::init
