#include "rpc/status.h"

#include "base/error.h"

namespace so {

using serverless::error::v1::StatusEnvelope;

StatusEnvelope ToEnvelope(const absl::Status& status) {
  const Error error = ErrorFromStatus(status);
  StatusEnvelope envelope;
  envelope.set_code(static_cast<int32_t>(status.code()));
  envelope.set_message(error.message());
  envelope.add_details()->PackFrom(error);
  return envelope;
}

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const StatusEnvelope envelope = ToEnvelope(status);
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                      envelope.message(), envelope.SerializeAsString());
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  StatusEnvelope envelope;
  Error error;
  if (envelope.ParseFromString(status.error_details()) &&
      envelope.details_size() > 0 && envelope.details(0).UnpackTo(&error)) {
    return ErrorStatus(code, error);
  }
  return absl::Status(code, status.error_message());
}

}  // namespace so
