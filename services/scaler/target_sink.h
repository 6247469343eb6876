#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"

namespace so {

// How many instances one function is to have, on all nodes together.
struct Target {
  std::string function_id;
  int desired = 0;
  // How long it holds without being repeated.
  absl::Duration ttl;
  // How long an instance beyond it may be idle; empty: as the pools are set.
  std::optional<absl::Duration> idle_timeout;
  // The policy that wants it.
  std::string reason;
  // What each pool has now, as in FunctionLoad.
  std::vector<int> by_pool;
};

// Where the control loop says how many instances it wants.
class TargetSink {
 public:
  using Done = absl::AnyInvocable<void(absl::Status)>;

  virtual ~TargetSink() = default;

  // Passes a target on and calls `done` once, before returning or later on any
  // thread, in bounded time.
  virtual void SetTarget(const Target& target, Done done) = 0;
};

}  // namespace so
