#include "services/pool/start_queue.h"

#include <utility>

namespace so {

void StartQueue::Push(std::string instance_id, bool on_demand) {
  (on_demand ? on_demand_ : warming_).push_back(std::move(instance_id));
}

std::optional<std::string> StartQueue::Pop() {
  std::deque<std::string>& queue = on_demand_.empty() ? warming_ : on_demand_;
  if (queue.empty()) return std::nullopt;
  std::string id = std::move(queue.front());
  queue.pop_front();
  return id;
}

}  // namespace so
