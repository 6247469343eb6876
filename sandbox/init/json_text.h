#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace so::init {

// The deepest nesting accepted, as in base/json_text.h.
inline constexpr int kMaxJsonDepth = 64;

// Whether `text` is one JSON value (RFC 8259) with nothing but white space
// around it. UTF-8 is not checked. Needs no memory.
bool IsJson(std::string_view text);

// A member of an object, as it is written.
struct JsonMember {
  // Without the quotes; escapes are left as they are.
  std::string_view name;
  std::string_view value;
};
// The members of the object that `text` is, or nothing when it is something
// else. Views into `text`; values are not copied or built, which matters for
// results of megabytes.
std::optional<std::vector<JsonMember>> JsonMembers(std::string_view text);

// The last member of that name, as parsers have it, or an empty text.
std::string_view FindMember(const std::vector<JsonMember>& members,
                            std::string_view name);

std::string_view TrimJsonSpace(std::string_view text);

// `text`, one JSON value, with escapes of half surrogate pairs, which no UTF-8
// text can hold, replaced by U+FFFD.
std::string ReplaceHalfSurrogates(std::string text);

}  // namespace so::init
