#include "services/scaler/policy/function_planner.h"

namespace so {
namespace {

constexpr int kOwnLevels = 4;

int LevelIndex(int k) {
  if (k <= kOwnLevels) return k < 1 ? 0 : k - 1;
  int index = kOwnLevels;
  for (int last = 2 * kOwnLevels; k > last && last < (1 << 29); last *= 2) {
    ++index;
  }
  return index;
}

}  // namespace

FunctionPlanner::FunctionPlanner(const KeepAlivePolicy& policy,
                                 const FunctionProfile& profile,
                                 absl::Duration refresh)
    : policy_(policy), profile_(profile), refresh_(refresh) {}

void FunctionPlanner::Observe(int k, absl::Duration gap) {
  Level& level = LevelOf(k);
  level.gaps.Add(gap);
  level.changed = true;
}

const KeepAliveDecision& FunctionPlanner::Decide(int k, absl::Time now) {
  Level& level = LevelOf(k);
  if (level.changed && now - level.decided >= refresh_) {
    level.decision = policy_.Decide(level.gaps, profile_);
    level.decided = now;
    level.changed = false;
  }
  return level.decision;
}

FunctionPlanner::Level& FunctionPlanner::LevelOf(int k) {
  const size_t index = LevelIndex(k);
  while (levels_.size() <= index) levels_.emplace_back(policy_.histogram());
  return levels_[index];
}

}  // namespace so
