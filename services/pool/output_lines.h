#pragma once

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace so {

// Cuts what an instance prints into lines, to tell whose they are. Not
// thread-safe.
class OutputLines {
 public:
  // Calls `on_line` for each line that is complete now, its line end included.
  // A line of more than 64 KiB comes in pieces.
  void Append(absl::string_view bytes,
              absl::FunctionRef<void(absl::string_view)> on_line);

 private:
  std::string rest_;
};

// The "requestId" of a line that is one JSON object, as loggers of AWS Lambda
// write it; empty when there is none.
std::string RequestIdOfLine(absl::string_view line);

}  // namespace so
