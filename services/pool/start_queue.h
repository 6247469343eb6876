#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>

namespace so {

// Which instance may be started next: those that a caller waits for strictly
// before those that are warmed ahead of demand; first come, first served within
// each. Not thread-safe.
class StartQueue {
 public:
  void Push(std::string instance_id, bool on_demand);
  // It is waited for now. Nothing when it is not queued for warming.
  void Promote(const std::string& instance_id);
  // Nothing when there is none; with `on_demand_only`, none that a caller waits
  // for.
  std::optional<std::string> Pop(bool on_demand_only = false);
  size_t size() const { return on_demand_.size() + warming_.size(); }

 private:
  std::deque<std::string> on_demand_;
  std::deque<std::string> warming_;
};

}  // namespace so
