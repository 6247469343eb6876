#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "serverless/error/v1/error.pb.h"

namespace so {

// The typed error that travels inside an absl::Status and, from there, to
// clients of gRPC and REST. `code` and `message` are what clients see.
using Error = serverless::error::v1::Error;
using FieldProblem = serverless::error::v1::FieldProblem;

// A status that carries `error`; its message becomes the status message.
absl::Status ErrorStatus(absl::StatusCode code, const Error& error);

// The error inside `status`; for a status without one, an error whose code is
// the name of the status code ("UNAVAILABLE") and whose message is the status
// message, except that INTERNAL and UNKNOWN texts are withheld.
// Precondition: !status.ok().
Error ErrorFromStatus(const absl::Status& status);

// An error with its basic fields set; `executed` is "no", "yes" or "maybe".
Error MakeError(absl::string_view code, absl::string_view message,
                absl::string_view executed = "");

// INVALID_ARGUMENT that lists every problem, at most 50 of them.
absl::Status InvalidArgument(const std::vector<FieldProblem>& problems);
absl::Status InvalidArgument(absl::string_view field,
                             absl::string_view problem);

}  // namespace so
