#pragma once

#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "services/scaler/policy/function_load.h"

namespace so {

// Where the control loop learns what is going on.
class LoadSource {
 public:
  using Done =
      absl::AnyInvocable<void(absl::StatusOr<std::vector<FunctionLoad>>)>;

  virtual ~LoadSource() = default;

  // Reads the load of every function and calls `done` once, before returning or
  // later on any thread, in bounded time. A reading that is not complete is an
  // error. `error_rate` is left empty.
  virtual void Read(Done done) = 0;
};

}  // namespace so
