#pragma once

#include "serverless/error/v1/error.pb.h"
#include "serverless/pool/v1/pool.pb.h"
#include "services/router/invocation.h"

namespace so {

// The receipt of an invocation whose result has come.
Receipt ResultReceipt(const Invocation& invocation,
                      serverless::pool::v1::Result result);

// The receipt of an invocation whose instance, or whose start, came to nothing.
Receipt ErrorReceipt(
    const Invocation& invocation, serverless::error::v1::Error error,
    const google::protobuf::RepeatedPtrField<std::string>& printed);

}  // namespace so
