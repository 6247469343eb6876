#include "services/scaler/policy/warm_plan.h"

#include <algorithm>

namespace so {

bool WarmPlan::WarmAfter(absl::Duration idle) const {
  return idle <= keep || (idle >= prewarm && idle <= prewarm + prewarm_keep);
}

absl::Duration WarmPlan::WarmTime(absl::Duration idle) const {
  absl::Duration time = std::min(idle, keep);
  if (idle > prewarm) time += std::min(idle - prewarm, prewarm_keep);
  return time;
}

}  // namespace so
