#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

#include "absl/strings/string_view.h"

namespace so {

// Texts in the fixed fields of messages.
template <size_t size>
void CopyText(absl::string_view text, char (&field)[size]) {
  const size_t length = std::min(text.size(), size - 1);
  std::memcpy(field, text.data(), length);
  std::memset(field + length, 0, size - length);
}

template <size_t size>
std::string TextOf(const char (&field)[size]) {
  return std::string(field, strnlen(field, size));
}

}  // namespace so
