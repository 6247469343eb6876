#include "services/router/function_queue.h"

#include <algorithm>

namespace so {

int FunctionQueue::StartsWanted() const {
  if (function == nullptr) return 0;
  const int unserved = static_cast<int>(waiting.size()) - starting();
  const int room = function->max_instances() - live - starting();
  return std::max(0, std::min(unserved, room));
}

absl::Duration FunctionQueue::DrainEstimate() const {
  const double per_call = service_ms / std::max(1, live);
  return std::clamp(
      absl::Milliseconds(per_call * static_cast<double>(waiting.size())),
      absl::Seconds(1), absl::Seconds(60));
}

void FunctionQueue::RecordServiceTime(absl::Duration held) {
  const double ms = absl::ToDoubleMilliseconds(held);
  service_ms = service_ms == 0 ? ms : 0.9 * service_ms + 0.1 * ms;
}

void FunctionQueue::RemoveIdle(absl::string_view instance_id) {
  idle.erase(std::remove_if(idle.begin(), idle.end(),
                            [&](const std::string& id) {
                              return absl::string_view(id) == instance_id;
                            }),
             idle.end());
}

}  // namespace so
