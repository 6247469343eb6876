#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace so {

// What an instance printed.
struct CapturedOutput {
  // Valid UTF-8, without line ends; the last one may be "[truncated N bytes]".
  std::vector<std::string> lines;
  bool truncated = false;
};

// Collects the output of one instance between two calls of Take. Keeps at most
// `limit` bytes and 65,536 lines and counts the rest. Not thread-safe.
class OutputCapture {
 public:
  explicit OutputCapture(size_t limit) : limit_(limit) {}

  void Append(absl::string_view bytes);

  // What was collected; starts anew.
  CapturedOutput Take();

 private:
  const size_t limit_;
  std::string bytes_;
  size_t lines_ = 0;
  size_t dropped_ = 0;
};

// `text` with every byte that is not part of valid UTF-8 replaced by U+FFFD.
std::string RepairUtf8(absl::string_view text);

}  // namespace so
