#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/error.h"

namespace so {

// Why an invocation did not reach user code.
absl::Status QueueFull(absl::string_view function, int depth,
                       absl::Duration retry_after);
absl::Status QueueTimeout(absl::string_view function, absl::Duration waited);
absl::Status NoCapacity(absl::string_view function, absl::Duration waited);
absl::Status NoPool();
absl::Status Draining();
absl::Status FunctionDeleted(absl::string_view function);
absl::Status NeverStarted(absl::string_view function, int attempts);

// Why a dispatched invocation has no result: its node is gone, or silent.
Error InstanceLost(absl::string_view function);
Error PoolSilent(absl::string_view function, absl::Duration waited);

}  // namespace so
