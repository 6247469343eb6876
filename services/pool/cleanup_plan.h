#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "services/pool/instance_state.h"

namespace so {

// What cleanup needs to know about one instance of a function.
struct InstanceView {
  std::string id;
  InstanceState state;
  absl::Duration age;
  // Since it became free.
  absl::Duration idle;
  // It ends after its call, or a replacement for it is on its way.
  bool leaving = false;
};

// When instances of a function are too idle or too old.
struct CleanupLimits {
  // How many are kept however idle they are.
  int floor = 0;
  absl::Duration idle_timeout;
  absl::Duration max_age;
};

struct CleanupPlan {
  // Free and idle for too long, not needed for the floor: end them.
  std::vector<std::string> expire;
  // Too old but still wanted: start another one, and end them once that one is
  // warm and they are free.
  std::vector<std::string> replace;
};

// Decides for all instances of one function. Pure.
CleanupPlan PlanCleanup(std::vector<InstanceView> instances,
                        const CleanupLimits& limits);

}  // namespace so
