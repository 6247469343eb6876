#pragma once

#include <string>
#include <vector>

#include "services/scaler/policy/keep_alive_policy.h"
#include "services/scaler/replay/function_replay.h"
#include "services/scaler/replay/trace.h"

namespace so {

// What became of a trace under one policy.
struct ReplayResult {
  std::string policy;
  // The sums over all functions.
  FunctionResult total;
  absl::Duration cold_start;
  // Functions that were called.
  uint64_t functions = 0;
  // The share of cold calls of the function that three quarters of the
  // functions are better than, 0 to 1.
  double cold_share_p75 = 0;

  double cold_share() const {
    return total.calls == 0 ? 0
                            : static_cast<double>(total.cold) /
                                  static_cast<double>(total.calls);
  }
  absl::Duration cold_latency() const {
    return static_cast<double>(total.cold) * cold_start;
  }
  // What nineteen of twenty calls waited for an instance at most.
  absl::Duration latency_p95() const {
    return cold_share() > 0.05 ? cold_start : absl::ZeroDuration();
  }
};

// Replays every function, on `threads` threads; the result does not depend on
// how many.
ReplayResult Replay(const Trace& trace, const KeepAlivePolicy& policy,
                    const ReplayOptions& options, int threads);

// The half of the functions whose names hash to `odd` or even, with the seed.
// So that a policy is judged on functions it was not tuned on.
Trace HalfOf(const Trace& trace, bool odd, uint64_t seed);

}  // namespace so
