#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace so {

// Why code could not be checked; it is no fault of the code. Both UNAVAILABLE.

absl::Status TooManyBuilds();
// `reason` is for the log.
absl::Status NoSandbox(absl::string_view runtime, absl::string_view reason);

}  // namespace so
