#pragma once

#include <cstdint>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"

namespace so {

using TimerId = uint64_t;

// Runs callbacks later. Implementations say on which thread.
class Timers {
 public:
  virtual ~Timers() = default;

  // Runs `callback` once, `delay` from now; at once when delay <= 0, but never
  // inside this call. The id is never 0.
  virtual TimerId Schedule(absl::Duration delay,
                           absl::AnyInvocable<void()> callback) = 0;

  // Returns true when the callback will not run. False: it has run, is
  // running, or the id is unknown (0 included).
  virtual bool Cancel(TimerId id) = 0;
};

}  // namespace so
