#pragma once

#include <string>
#include <vector>

#include "serverless/router/v1/router.pb.h"
#include "serverless/scaler/v1/scaler.pb.h"

namespace so {

// Why a call was cold or warm.
struct CallExplanation {
  // A few sentences.
  std::string text;
  // What they rest on, newest first.
  std::vector<serverless::scaler::v1::Decision> decisions;
};

// Explains `call` from what was decided about its function, newest first: the
// start of the instance that ran it, and for a cold one, what became of the
// instance before it and what the scaler wanted then. Says so when the
// decisions do not reach back far enough. Pure.
CallExplanation ExplainCall(
    const serverless::router::v1::InvocationLog& call,
    const std::vector<serverless::scaler::v1::Decision>& decisions);

}  // namespace so
