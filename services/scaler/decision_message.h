#pragma once

#include "absl/status/status.h"
#include "base/log.h"
#include "google/protobuf/timestamp.pb.h"
#include "serverless/scaler/v1/scaler.pb.h"
#include "services/scaler/policy/compose.h"

namespace so {

google::protobuf::Timestamp ToTimestamp(absl::Time time);

// A decision of the scaler as it is shown and stored; not applied yet, and
// without a sequence number.
serverless::scaler::v1::Decision ToMessage(const ScalingDecision& decision);

// Logs it, with what became of it.
void LogDecision(const Logger& log,
                 const serverless::scaler::v1::Decision& decision,
                 const absl::Status& status);

}  // namespace so
