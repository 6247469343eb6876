#pragma once

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace so {

// The one place where absl::Status and grpc::Status meet. A typed error
// (base/error.h) travels in the status details.
grpc::Status ToGrpc(const absl::Status& status);
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace so
