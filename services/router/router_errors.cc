#include "services/router/router_errors.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace so {
namespace {

absl::Status Retryable(absl::StatusCode code, absl::string_view name,
                       absl::string_view message, absl::Duration retry_after) {
  Error error = MakeError(name, message, "no");
  error.set_retryable(true);
  error.set_retry_after(
      std::max(1.0, std::ceil(absl::ToDoubleSeconds(retry_after) - 1e-6)));
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

absl::Status QueueBytesFull(absl::string_view function, int64_t bytes,
                            absl::Duration retry_after) {
  return Retryable(
      absl::StatusCode::kResourceExhausted, "QUEUE_FULL",
      absl::StrCat("the calls of ", function, " that wait or run may hold ",
                   bytes, " bytes of events, and this one does not fit"),
      retry_after);
}

absl::Status NoQueueBytes(int64_t held, absl::Duration retry_after) {
  return Retryable(absl::StatusCode::kUnavailable, "NO_CAPACITY",
                   absl::StrCat("the calls that wait or run already hold ",
                                held, " bytes of events"),
                   retry_after);
}

absl::Status RateLimited(absl::string_view function, double rate,
                         absl::Duration retry_after) {
  return Retryable(
      absl::StatusCode::kResourceExhausted, "RATE_LIMITED",
      absl::StrCat(function, " takes ", rate, " calls a second (rateLimit)"),
      retry_after);
}

absl::Status ClientRateLimited(absl::Duration retry_after) {
  return Retryable(absl::StatusCode::kResourceExhausted, "RATE_LIMITED",
                   "this client makes more calls a second than it may",
                   retry_after);
}

absl::Status ConcurrencyLimit(absl::string_view function, int limit,
                              absl::Duration retry_after) {
  return Retryable(absl::StatusCode::kResourceExhausted, "CONCURRENCY_LIMIT",
                   absl::StrCat(function, " already has ", limit,
                                " calls waiting or running (concurrencyLimit)"),
                   retry_after);
}

absl::Status QueueTimeout(absl::string_view function, absl::Duration waited) {
  return Retryable(absl::StatusCode::kDeadlineExceeded, "QUEUE_TIMEOUT",
                   absl::StrCat("the router found no free instance of ",
                                function, " within ", Milliseconds(waited)),
                   absl::Seconds(1));
}

absl::Status TimeSpent(absl::string_view function) {
  return Retryable(absl::StatusCode::kDeadlineExceeded, "QUEUE_TIMEOUT",
                   absl::StrCat("the time that the client gave was over before "
                                "the router could look for an instance of ",
                                function),
                   absl::Seconds(1));
}

absl::Status NoCapacity(absl::string_view function, absl::Duration waited,
                        absl::Duration retry_after) {
  return Retryable(absl::StatusCode::kUnavailable, "NO_CAPACITY",
                   absl::StrCat("no room for an instance of ", function,
                                " came free within ", Milliseconds(waited)),
                   retry_after);
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

absl::Status ClientGone() {
  return absl::CancelledError("the client has gone");
}

absl::Status NeverStarted(absl::string_view function, int attempts) {
  return Retryable(absl::StatusCode::kUnavailable, "UNAVAILABLE",
                   absl::StrCat(attempts, " instances of ", function,
                                " were gone before they began this call"),
                   absl::Seconds(1));
}

absl::Status RetriesSpent(absl::string_view function) {
  return Retryable(
      absl::StatusCode::kUnavailable, "UNAVAILABLE",
      absl::StrCat("the instance of ", function,
                   " was gone before it began this call, and too many calls "
                   "have been given to a second instance lately"),
      absl::Seconds(1));
}

absl::Status IdempotencyMismatch() {
  return ErrorStatus(
      absl::StatusCode::kInvalidArgument,
      MakeError("IDEMPOTENCY_MISMATCH",
                "this idempotency key was used for a call with another event",
                "no"));
}

absl::Status GivenUp() {
  return Retryable(absl::StatusCode::kUnavailable, "UNAVAILABLE",
                   "the call with the same idempotency key, which this one "
                   "joined, was given up before it ran",
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
