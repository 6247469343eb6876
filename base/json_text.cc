#include "base/json_text.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "simdjson.h"

namespace so {
namespace {

// Finds the first error of a text and where it is, without building a value.
class ErrorFinder : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool key(string_t&) override { return true; }
  bool start_object(size_t) override { return Enter(); }
  bool start_array(size_t) override { return Enter(); }
  bool end_object() override { return Leave(); }
  bool end_array() override { return Leave(); }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    position_ = position;
    // "[json.exception.parse_error.101] parse error at line 1, column 2:
    // syntax error ...": keep what follows the position.
    message_ = error.what();
    if (const size_t colon = message_.find(": "); colon != std::string::npos) {
      message_ = message_.substr(colon + 2);
    }
    return false;
  }

  size_t position() const { return position_; }
  const std::string& message() const { return message_; }

 private:
  bool Enter() {
    if (++depth_ <= kMaxJsonDepth) return true;
    message_ = absl::StrCat("nested deeper than ", kMaxJsonDepth);
    return false;
  }
  bool Leave() {
    --depth_;
    return true;
  }

  size_t depth_ = 0;
  size_t position_ = 0;
  std::string message_;
};

absl::Status Explain(absl::string_view text) {
  ErrorFinder finder;
  if (nlohmann::json::sax_parse(text.begin(), text.end(), &finder)) {
    return absl::OkStatus();
  }
  const absl::string_view before =
      text.substr(0, std::min(text.size(), finder.position()));
  const size_t line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t line_start = before.rfind('\n');
  const size_t column = line_start == absl::string_view::npos
                            ? before.size()
                            : before.size() - line_start - 1;
  std::string message = finder.message();
  // The library quotes what it read last; that may be large or not printable.
  if (message.size() > 200) message.resize(200);
  std::replace_if(
      message.begin(), message.end(),
      [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
  return absl::InvalidArgumentError(
      absl::StrCat("line ", line, ", column ", column, ": ", message));
}

}  // namespace

absl::Status CheckJson(absl::string_view text) {
  // One per thread: it keeps its buffers, which are as large as the text.
  thread_local simdjson::dom::parser parser(16 << 20);
  if (parser.max_depth() != kMaxJsonDepth &&
      parser.allocate(4096, kMaxJsonDepth) != simdjson::SUCCESS) {
    return Explain(text);
  }
  simdjson::dom::element element;
  if (parser.parse(text.data(), text.size()).get(element) ==
      simdjson::SUCCESS) {
    return absl::OkStatus();
  }
  // The fast parser gives no position, and refuses numbers beyond 64 bits,
  // which are legal: the slow one has the last word.
  return Explain(text);
}

}  // namespace so
