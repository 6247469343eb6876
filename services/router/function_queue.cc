#include "services/router/function_queue.h"

#include <algorithm>

namespace so {

int FunctionQueue::InstancesFor(int calls) const {
  const int each =
      function == nullptr ? 1 : std::max(1, function->concurrency());
  return (calls + each - 1) / each;
}

int FunctionQueue::StartsWanted() const {
  if (function == nullptr) return 0;
  const int unserved =
      InstancesFor(static_cast<int>(waiting.size())) - starting();
  const int room = function->max_instances() - live - starting();
  return std::max(0, std::min(unserved, room));
}

void FunctionQueue::RemoveIdle(absl::string_view instance_id) {
  idle.erase(std::remove_if(idle.begin(), idle.end(),
                            [&](const std::string& id) {
                              return absl::string_view(id) == instance_id;
                            }),
             idle.end());
}

}  // namespace so
