#include "services/scaler/policy/instances_needed.h"

#include <algorithm>
#include <cstdint>

namespace so {

int InstancesNeeded(const FunctionLoad& load, const FunctionSpec& spec,
                    bool since_before) {
  int64_t calls =
      std::max(load.queue_depth, 0) + int64_t{std::max(load.running, 0)};
  if (since_before) {
    calls = std::max(calls, int64_t{load.peak_concurrency});
    // Calls that ended were there, even if nobody saw how many at a time.
    if (load.calls > 0) calls = std::max<int64_t>(calls, 1);
  }
  const int64_t each = std::max(spec.instance_concurrency, 1);
  const int64_t most = std::max(spec.max_instances, 1);
  return static_cast<int>(
      std::clamp<int64_t>((calls + each - 1) / each, 0, most));
}

}  // namespace so
