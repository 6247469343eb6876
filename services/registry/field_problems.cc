#include "services/registry/field_problems.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "simdjson.h"

namespace so {

std::string Printable(absl::string_view text) {
  constexpr size_t kLongest = 128;
  const std::string escaped = absl::CEscape(text.substr(0, kLongest));
  return text.size() > kLongest ? absl::StrCat(escaped, "...") : escaped;
}

bool IsCleanText(absl::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size()) &&
         text.find('\0') == absl::string_view::npos;
}

}  // namespace so
