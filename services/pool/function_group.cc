#include "services/pool/function_group.h"

#include <algorithm>

namespace so {

absl::string_view ReasonName(StartReason reason) {
  switch (reason) {
    case StartReason::kOnDemand:
      return "on-demand";
    case StartReason::kWarmUp:
      return "warm-up";
    case StartReason::kMinInstances:
      return "min-instances";
    case StartReason::kTarget:
      return "target";
    case StartReason::kReplacement:
      return "replacement";
  }
  return "";
}

int FunctionGroup::CountLive() const {
  return std::count_if(members.begin(), members.end(),
                       [](const auto& entry) { return entry.second->live(); });
}

int FunctionGroup::Count(InstanceState state) const {
  return std::count_if(
      members.begin(), members.end(),
      [state](const auto& entry) { return entry.second->is(state); });
}

int FunctionGroup::CountUsable(int version) const {
  return std::count_if(
      members.begin(), members.end(), [version](const auto& entry) {
        const Member& member = *entry.second;
        return member.live() && !member.retire_when_free &&
               member.instance->function().version() == version;
      });
}

int FunctionGroup::Floor(int min_instances, absl::Time now) const {
  return HasTarget(now) ? std::max(min_instances, target) : min_instances;
}

bool IsOutdated(const serverless::function::v1::Function& old,
                const serverless::function::v1::Function& current) {
  return old.version() != current.version() ||
         old.memory() != current.memory() ||
         old.network() != current.network() || old.reuse() != current.reuse() ||
         old.concurrency() != current.concurrency();
}

}  // namespace so
