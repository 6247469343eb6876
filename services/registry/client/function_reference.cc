#include "services/registry/client/function_reference.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "base/error.h"

namespace so {
namespace {

bool IsVersionNumber(absl::string_view text, int* version) {
  return !text.empty() && text[0] != '0' &&
         std::all_of(text.begin(), text.end(), absl::ascii_isdigit) &&
         absl::SimpleAtoi(text, version);
}

}  // namespace

bool IsFunctionName(absl::string_view name) {
  if (name.empty() || name.size() > 63 || name[0] == '-') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
  });
}

absl::StatusOr<FunctionReference> ParseFunctionReference(
    absl::string_view text, absl::string_view field) {
  FunctionReference reference;
  const size_t colon = text.find(':');
  const absl::string_view function = text.substr(0, colon);
  if (!IsFunctionName(function)) {
    return InvalidArgument(field,
                           "must be an id or a name of 1 to 63 lower-case "
                           "letters, digits and dashes, optionally with "
                           "\":version\"");
  }
  reference.function = std::string(function);
  if (colon != absl::string_view::npos) {
    int version = 0;
    if (!IsVersionNumber(text.substr(colon + 1), &version)) {
      return InvalidArgument(
          field, "the version after \":\" must be a number from 1, as hello:3");
    }
    reference.version = version;
  }
  return reference;
}

}  // namespace so
