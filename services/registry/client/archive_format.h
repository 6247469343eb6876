#pragma once

#include "absl/strings/string_view.h"

namespace so {

// Whether a stored blob is an archive (zip or tar.gz) and not a source file.
// Source never holds a NUL, and these formats always do, so nothing is both.
inline bool IsArchive(absl::string_view content) {
  const absl::string_view start = content.substr(0, 4);
  const bool zip = start == absl::string_view("PK\x03\x04", 4) ||
                   start == absl::string_view("PK\x05\x06", 4);
  const bool gzip = start.substr(0, 2) == absl::string_view("\x1f\x8b", 2);
  return (zip || gzip) && content.find('\0') != absl::string_view::npos;
}

}  // namespace so
