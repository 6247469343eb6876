#include "services/pool/cleanup_plan.h"

#include <algorithm>
#include <tuple>

namespace so {
namespace {

namespace pb = serverless::pool::v1;

// Whether the instance counts for the floor.
bool IsKept(const InstanceView& instance) {
  return !instance.leaving && instance.state != pb::INSTANCE_STATE_TERMINATING;
}

bool IsTooOld(const InstanceView& instance, const CleanupLimits& limits) {
  return (instance.state == pb::INSTANCE_STATE_WARM ||
          instance.state == pb::INSTANCE_STATE_BUSY) &&
         !instance.leaving && instance.age > limits.max_age;
}

}  // namespace

CleanupPlan PlanCleanup(std::vector<InstanceView> instances,
                        const CleanupLimits& limits) {
  std::sort(instances.begin(), instances.end(),
            [](const InstanceView& a, const InstanceView& b) {
              return std::tie(b.idle, a.id) < std::tie(a.idle, b.id);
            });
  CleanupPlan plan;
  auto kept = std::count_if(instances.begin(), instances.end(), IsKept);
  for (const InstanceView& instance : instances) {
    const bool expired = instance.state == pb::INSTANCE_STATE_WARM &&
                         instance.idle > limits.idle_timeout;
    if (expired && (instance.leaving || kept > limits.floor)) {
      if (!instance.leaving) --kept;
      plan.expire.push_back(instance.id);
    } else if (IsTooOld(instance, limits)) {
      plan.replace.push_back(instance.id);
    }
  }
  return plan;
}

}  // namespace so
