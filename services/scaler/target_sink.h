#pragma once

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"

namespace so {

// Where the control loop says how many instances it wants.
class TargetSink {
 public:
  using Done = absl::AnyInvocable<void(absl::Status)>;

  virtual ~TargetSink() = default;

  // Asks for `desired` instances for the next `ttl` and calls `done` once,
  // before returning or later on any thread, in bounded time.
  virtual void SetTarget(const std::string& function_id, int desired,
                         absl::Duration ttl, Done done) = 0;
};

}  // namespace so
