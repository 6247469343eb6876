#include "services/pool/init_breaker.h"

namespace so {

bool InitBreaker::Allow(absl::Time now) {
  if (!open()) return true;
  if (now < next_probe_) return false;
  next_probe_ = now + kProbeInterval;
  return true;
}

void InitBreaker::Failed(const Error& error, absl::Time now) {
  ++failures_;
  last_error_ = error;
  next_probe_ = now + kProbeInterval;
}

bool IsInitFailure(const Error& error) {
  return error.code() == "FUNCTION_INIT_FAILED" ||
         error.code() == "FUNCTION_OOM" ||
         error.code() == "FUNCTION_PROTOCOL_ERROR";
}

}  // namespace so
