#pragma once

#include "serverless/error/v1/error.pb.h"
#include "serverless/pool/v1/pool.pb.h"
#include "services/router/invocation.h"

namespace so {

// How the instance that served an invocation came to be.
struct ColdStart {
  bool cold = false;  // The invocation waited for this instance to start.
  double start_ms = 0;
  double init_ms = 0;
};

// The receipt of an invocation whose result has come.
Receipt ResultReceipt(const Invocation& invocation, const ColdStart& cold,
                      serverless::pool::v1::Result result);

// The receipt of an invocation whose instance, or whose start, came to nothing.
Receipt ErrorReceipt(
    const Invocation& invocation, const ColdStart& cold,
    serverless::error::v1::Error error,
    const google::protobuf::RepeatedPtrField<std::string>& printed);

}  // namespace so
