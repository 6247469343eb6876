#include "services/pool/output_lines.h"

#include <algorithm>

#include "absl/strings/strip.h"
#include "base/json_text.h"
#include "nlohmann/json.hpp"

namespace so {
namespace {

constexpr size_t kMaxLineBytes = 64 << 10;

}  // namespace

void OutputLines::Append(absl::string_view bytes,
                         absl::FunctionRef<void(absl::string_view)> on_line) {
  while (!bytes.empty()) {
    const size_t room = kMaxLineBytes - rest_.size();
    const size_t end = bytes.find('\n');
    const size_t taken =
        std::min({bytes.size(), room,
                  end == absl::string_view::npos ? bytes.size() : end + 1});
    rest_.append(bytes.data(), taken);
    bytes.remove_prefix(taken);
    if (rest_.back() == '\n' || rest_.size() == kMaxLineBytes) {
      on_line(rest_);
      rest_.clear();
    }
  }
}

std::string RequestIdOfLine(absl::string_view line) {
  line = absl::StripSuffix(line, "\n");
  // Most lines are text, and not worth parsing. The check of the depth comes
  // first: the parser recurses.
  if (line.empty() || line.front() != '{' ||
      line.find("requestId") == absl::string_view::npos ||
      !CheckJson(line).ok()) {
    return "";
  }
  const auto object = nlohmann::json::parse(line.begin(), line.end(), nullptr,
                                            /*allow_exceptions=*/false);
  const auto id = object.find("requestId");
  if (id == object.end() || !id->is_string()) return "";
  return id->get<std::string>();
}

}  // namespace so
