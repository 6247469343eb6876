#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace so {

// SHA-256 of `content` as 64 lower-case hex digits: the name under which code
// is stored and fetched. About 2 ms per MB.
std::string Sha256Hex(absl::string_view content);

// Whether `text` has the form of a Sha256Hex result.
bool IsSha256Hex(absl::string_view text);

}  // namespace so
