#include "services/router/router_errors.h"

#include "absl/strings/str_cat.h"

namespace so {
namespace {

absl::Status Retryable(absl::StatusCode code, absl::string_view name,
                       absl::string_view message, absl::Duration retry_after) {
  Error error = MakeError(name, message, "no");
  error.set_retryable(true);
  error.set_retry_after(absl::ToDoubleSeconds(retry_after));
  return ErrorStatus(code, error);
}

std::string Milliseconds(absl::Duration duration) {
  return absl::StrCat(absl::ToInt64Milliseconds(duration), " ms");
}

}  // namespace

absl::Status QueueFull(absl::string_view function, int depth,
                       absl::Duration retry_after) {
  return Retryable(
      absl::StatusCode::kResourceExhausted, "QUEUE_FULL",
      absl::StrCat(function, " already has ", depth, " calls waiting"),
      retry_after);
}

absl::Status QueueTimeout(absl::string_view function, absl::Duration waited) {
  return Retryable(absl::StatusCode::kDeadlineExceeded, "QUEUE_TIMEOUT",
                   absl::StrCat("the router found no free instance of ",
                                function, " within ", Milliseconds(waited)),
                   absl::Seconds(1));
}

absl::Status NoCapacity(absl::string_view function, absl::Duration waited) {
  return Retryable(absl::StatusCode::kUnavailable, "NO_CAPACITY",
                   absl::StrCat("no room for an instance of ", function,
                                " came free within ", Milliseconds(waited)),
                   absl::Seconds(1));
}

absl::Status NoPool() {
  return Retryable(absl::StatusCode::kUnavailable, "UNAVAILABLE",
                   "the router is not connected to a pool", absl::Seconds(1));
}

absl::Status Draining() {
  return Retryable(absl::StatusCode::kUnavailable, "UNAVAILABLE",
                   "the router is shutting down", absl::Seconds(1));
}

absl::Status FunctionDeleted(absl::string_view function) {
  return ErrorStatus(
      absl::StatusCode::kNotFound,
      MakeError("NOT_FOUND", absl::StrCat(function, " was deleted"), "no"));
}

absl::Status NeverStarted(absl::string_view function, int attempts) {
  return Retryable(absl::StatusCode::kUnavailable, "UNAVAILABLE",
                   absl::StrCat(attempts, " instances of ", function,
                                " were gone before they began this call"),
                   absl::Seconds(1));
}

Error InstanceLost(absl::string_view function) {
  return MakeError(
      "INSTANCE_LOST",
      absl::StrCat("the connection to the instance of ", function,
                   " was lost while it may have been running this call"),
      "maybe");
}

Error PoolSilent(absl::string_view function, absl::Duration waited) {
  return MakeError("FUNCTION_TIMEOUT",
                   absl::StrCat("the pool gave no answer of ", function,
                                " within ", Milliseconds(waited)),
                   "maybe");
}

}  // namespace so
