#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "services/scaler/policy/function_load.h"

namespace so {

// The load of every function at one moment.
struct LoadReading {
  // New with each start of the router, whose counters begin at 0 with it.
  std::string router_id;
  std::vector<FunctionLoad> loads;
  // By runtime: the p95 of the time from the start of an instance until it
  // takes calls. A runtime that never started one is missing.
  std::map<std::string, absl::Duration> cold_starts;
};

// Where the control loop learns what is going on.
class LoadSource {
 public:
  using Done = absl::AnyInvocable<void(absl::StatusOr<LoadReading>)>;

  virtual ~LoadSource() = default;

  // Reads the load of every function and calls `done` once, before returning or
  // later on any thread, in bounded time. A reading that is not complete is an
  // error. What a load says of the time since the previous reading is left out.
  virtual void Read(Done done) = 0;
};

}  // namespace so
