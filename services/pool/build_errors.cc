#include "services/pool/build_errors.h"

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/log.h"

namespace so {
namespace {

absl::Status Unavailable(absl::string_view message) {
  Error error = MakeError("UNAVAILABLE", message);
  error.set_retryable(true);
  return ErrorStatus(absl::StatusCode::kUnavailable, error);
}

}  // namespace

absl::Status TooManyBuilds() {
  return Unavailable("too many builds are waiting in the pool; try again");
}

absl::Status NoSandbox(absl::string_view runtime, absl::string_view reason) {
  Logger("POOL").Error("no sandbox for a build",
                       {{"runtime", runtime}, {"error", reason}});
  return Unavailable(absl::StrCat(
      "the pool could not make a sandbox of the runtime ", runtime));
}

}  // namespace so
