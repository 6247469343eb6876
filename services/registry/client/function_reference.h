#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace so {

// What a client calls a function by: "id", "name", "id:version" or
// "name:version".
struct FunctionReference {
  // Id or name.
  std::string function;
  std::optional<int> version;
};

// INVALID_ARGUMENT that names `field` when `text` cannot be a reference.
absl::StatusOr<FunctionReference> ParseFunctionReference(
    absl::string_view text, absl::string_view field = "function");

// Whether `name` may be a function's name: ^[a-z0-9]([a-z0-9-]{0,62})$. Ids
// have this form, too.
bool IsFunctionName(absl::string_view name);

}  // namespace so
