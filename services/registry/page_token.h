#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace so {

// Page tokens, opaque to clients: where the page before ended, bound to the
// question that was asked (`scope`), so that a token is not used with another.

std::string MakePageToken(absl::string_view scope, absl::string_view last);

// The `last` that the token was made with; empty for an empty token.
// INVALID_ARGUMENT on "pageToken" when the token is not one of `scope`.
absl::StatusOr<std::string> ParsePageToken(absl::string_view scope,
                                           absl::string_view token);

// The size of a page that a client asks for: 0 is 100. INVALID_ARGUMENT on
// "pageSize" unless it is 1 to 1000.
absl::StatusOr<int> PageSize(int requested);

}  // namespace so
