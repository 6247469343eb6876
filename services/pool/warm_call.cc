#include "services/pool/warm_call.h"

#include <utility>

namespace so {

absl::Status StartFailureStatus(const Error& error) {
  if (error.code() == "NO_CAPACITY") {
    return ErrorStatus(absl::StatusCode::kResourceExhausted, error);
  }
  if (error.code() == "UNAVAILABLE") {
    return ErrorStatus(absl::StatusCode::kUnavailable, error);
  }
  if (error.code() == "NOT_FOUND") {
    return ErrorStatus(absl::StatusCode::kNotFound, error);
  }
  return ErrorStatus(absl::StatusCode::kFailedPrecondition, error);
}

bool WarmCall::Warmed() {
  ++warmed_;
  return --pending_ == 0;
}

bool WarmCall::Failed(const Error& error) {
  if (failure_.ok()) failure_ = StartFailureStatus(error);
  return --pending_ == 0;
}

void WarmCall::Finish(int total, int warm) {
  if (!done_) return;
  OnDone done = std::exchange(done_, nullptr);
  if (warmed_ == 0 && !failure_.ok()) {
    done(failure_);
    return;
  }
  serverless::pool::v1::WarmResponse response;
  response.set_function_id(function_id_);
  response.set_requested(requested_);
  response.set_warmed(warmed_);
  response.set_total(total);
  response.set_warm(warm);
  done(std::move(response));
}

void WarmCall::Fail(const absl::Status& status) {
  if (!done_) return;
  OnDone done = std::exchange(done_, nullptr);
  done(status);
}

}  // namespace so
