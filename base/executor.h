#pragma once

#include "absl/functional/any_invocable.h"

namespace so {

// Runs work on a thread of its own, in the order it was posted. Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;

  // `work` never runs inside this call, unless an implementation for tests says
  // otherwise.
  virtual void Post(absl::AnyInvocable<void()> work) = 0;
};

}  // namespace so
