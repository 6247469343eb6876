#pragma once

#include "absl/status/status.h"
#include "grpcpp/support/status.h"
#include "serverless/error/v1/error.pb.h"

namespace so {

// The one place where absl::Status and grpc::Status meet. A typed error
// (base/error.h) travels in the status details.
grpc::Status ToGrpc(const absl::Status& status);
absl::Status FromGrpc(const grpc::Status& status);

// A failure as part of a message, with what ToGrpc would put into the details.
serverless::error::v1::StatusEnvelope ToEnvelope(const absl::Status& status);

}  // namespace so
