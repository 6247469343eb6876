#pragma once

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "services/scaler/policy/function_load.h"

namespace so {

// Turns the router's counters, which only grow, into the error rate of the time
// between two readings. Not thread-safe.
class RejectionRates {
 public:
  // Sets `error_rate` of each load from what has changed since the previous
  // call. It stays empty for a function seen for the first time, when no call
  // came in between, and when the counters went back (the router was
  // restarted). Functions that are not in `loads` are forgotten.
  void Update(std::vector<FunctionLoad>& loads);

 private:
  struct Counters {
    double invocations = 0;
    double rejected = 0;
  };

  absl::flat_hash_map<std::string, Counters> previous_;
};

}  // namespace so
