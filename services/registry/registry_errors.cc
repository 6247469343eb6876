#include "services/registry/registry_errors.h"

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace so {
namespace {

absl::Status Retryable(absl::StatusCode code, absl::string_view name,
                       absl::string_view message) {
  Error error = MakeError(name, message);
  error.set_retryable(true);
  return ErrorStatus(code, error);
}

}  // namespace

absl::Status NoFunctionError(absl::string_view id_or_name) {
  return ErrorStatus(
      absl::StatusCode::kNotFound,
      MakeError("NOT_FOUND", absl::StrCat("no function ", id_or_name)));
}

absl::Status NoVersionError(absl::string_view name, int version) {
  return ErrorStatus(
      absl::StatusCode::kNotFound,
      MakeError("NOT_FOUND", absl::StrCat(name, " has no version ", version)));
}

absl::Status NameTakenError(absl::string_view name) {
  return ErrorStatus(
      absl::StatusCode::kAlreadyExists,
      MakeError("ALREADY_EXISTS",
                absl::StrCat("a function named ", name, " exists already")));
}

absl::Status RouteTakenError(absl::string_view field, absl::string_view route,
                             absl::string_view owner) {
  Error error =
      MakeError("TRIGGER_CONFLICT",
                absl::StrCat(route, " is already answered by ", owner));
  auto* detail = error.add_details();
  detail->set_field(std::string(field));
  detail->set_problem(error.message());
  return ErrorStatus(absl::StatusCode::kAlreadyExists, error);
}

absl::Status EtagMismatchError(absl::string_view name) {
  return ErrorStatus(
      absl::StatusCode::kAborted,
      MakeError(
          "ETAG_MISMATCH",
          absl::StrCat(name, " has changed since it was read: read it again")));
}

absl::Status ChangedMeanwhileError(absl::string_view name) {
  return Retryable(
      absl::StatusCode::kAborted, "ETAG_MISMATCH",
      absl::StrCat(name,
                   " was changed while this change was built: try again"));
}

absl::Status StorageFullError() {
  return Retryable(absl::StatusCode::kResourceExhausted, "STORAGE_FULL",
                   "the registry's storage is full or fails; nothing is lost, "
                   "reads go on");
}

absl::Status OverloadedError() {
  return Retryable(absl::StatusCode::kUnavailable, "UNAVAILABLE",
                   "too many writes are waiting; try again");
}

absl::Status ShuttingDownError() {
  return Retryable(absl::StatusCode::kUnavailable, "UNAVAILABLE",
                   "the registry is shutting down");
}

}  // namespace so
