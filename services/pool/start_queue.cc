#include "services/pool/start_queue.h"

#include <utility>

namespace so {

void StartQueue::Push(std::string instance_id, bool on_demand) {
  (on_demand ? on_demand_ : warming_).push_back(std::move(instance_id));
}

void StartQueue::Promote(const std::string& instance_id) {
  if (std::erase(warming_, instance_id) > 0) on_demand_.push_back(instance_id);
}

std::optional<std::string> StartQueue::Pop(bool on_demand_only) {
  std::deque<std::string>& queue =
      on_demand_.empty() && !on_demand_only ? warming_ : on_demand_;
  if (queue.empty()) return std::nullopt;
  std::string id = std::move(queue.front());
  queue.pop_front();
  return id;
}

}  // namespace so
