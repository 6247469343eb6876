#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/error.h"

namespace so {

// Why an invocation did not reach user code. `retry_after` is rounded up to
// full seconds, at least one.
absl::Status QueueFull(absl::string_view function, int depth,
                       absl::Duration retry_after);
absl::Status QueueBytesFull(absl::string_view function, int64_t bytes,
                            absl::Duration retry_after);
absl::Status NoQueueBytes(int64_t held, absl::Duration retry_after);
absl::Status RateLimited(absl::string_view function, double rate,
                         absl::Duration retry_after);
absl::Status ClientRateLimited(absl::Duration retry_after);
absl::Status ConcurrencyLimit(absl::string_view function, int limit,
                              absl::Duration retry_after);
absl::Status QueueTimeout(absl::string_view function, absl::Duration waited);
// The client's deadline had passed before the call could wait.
absl::Status TimeSpent(absl::string_view function);
absl::Status NoCapacity(absl::string_view function, absl::Duration waited,
                        absl::Duration retry_after);
absl::Status NoPool();
absl::Status Draining();
absl::Status FunctionDeleted(absl::string_view function);
absl::Status ClientGone();
absl::Status NeverStarted(absl::string_view function, int attempts);
// It was not begun, and too many calls have been dispatched again lately.
absl::Status RetriesSpent(absl::string_view function);
// The key of a call belongs to a call with another event.
absl::Status IdempotencyMismatch();
// The call that this one waited for was given up by its client before it ran.
absl::Status GivenUp();

// Why a dispatched invocation has no result: its node is gone, or silent.
Error InstanceLost(absl::string_view function);
Error PoolSilent(absl::string_view function, absl::Duration waited);

}  // namespace so
