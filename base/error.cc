#include "base/error.h"

#include <algorithm>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace so {
namespace {

constexpr char kPayloadUrl[] = "serverless.error.v1.Error";
// Bounded because the error travels in gRPC trailers (8 KiB by default).
constexpr size_t kMaxProblems = 50;

}  // namespace

absl::Status ErrorStatus(absl::StatusCode code, const Error& error) {
  absl::Status status(code, error.message());
  status.SetPayload(kPayloadUrl, absl::Cord(error.SerializeAsString()));
  return status;
}

Error ErrorFromStatus(const absl::Status& status) {
  Error error;
  if (const auto payload = status.GetPayload(kPayloadUrl);
      payload.has_value() && error.ParseFromString(std::string(*payload))) {
    return error;
  }
  error.set_code(absl::StatusCodeToString(status.code()));
  switch (status.code()) {
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDataLoss:
      error.set_code("INTERNAL");
      error.set_message("internal error");
      break;
    default:
      error.set_message(std::string(status.message()));
  }
  error.set_retryable(status.code() == absl::StatusCode::kUnavailable);
  return error;
}

Error MakeError(absl::string_view code, absl::string_view message,
                absl::string_view executed) {
  Error error;
  error.set_code(std::string(code));
  error.set_message(std::string(message));
  error.set_executed(std::string(executed));
  return error;
}

absl::Status InvalidArgument(const std::vector<FieldProblem>& problems) {
  Error error = MakeError("INVALID_ARGUMENT", "");
  for (size_t i = 0; i < std::min(problems.size(), kMaxProblems); ++i) {
    *error.add_details() = problems[i];
  }
  if (problems.size() == 1) {
    error.set_message(
        absl::StrCat(problems[0].field(), ": ", problems[0].problem()));
  } else {
    std::string fields;
    for (const FieldProblem& problem : error.details()) {
      absl::StrAppend(&fields, fields.empty() ? "" : ", ", problem.field());
    }
    error.set_message(
        absl::StrCat(problems.size(), " fields are wrong: ", fields));
  }
  return ErrorStatus(absl::StatusCode::kInvalidArgument, error);
}

absl::Status InvalidArgument(absl::string_view field,
                             absl::string_view problem) {
  FieldProblem p;
  p.set_field(std::string(field));
  p.set_problem(std::string(problem));
  return InvalidArgument(std::vector<FieldProblem>{p});
}

}  // namespace so
