#include "services/scaler/policy/function_planner.h"

#include <utility>

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

void FunctionPlanner::SetProfile(const FunctionProfile& profile) {
  if (profile.memory_gb == profile_.memory_gb &&
      profile.cold_start == profile_.cold_start) {
    return;
  }
  profile_ = profile;
  for (Level& level : levels_) level.changed = true;
}

bool FunctionPlanner::Restore(int level, absl::Span<const double> weights,
                              double beyond) {
  if (level < 0 || level >= kMostLevels) return false;
  GapHistogram gaps(policy_.histogram());
  if (!gaps.Restore(weights, beyond)) return false;
  Level& restored = LevelAt(static_cast<size_t>(level));
  restored.gaps = std::move(gaps);
  restored.changed = true;
  return true;
}

double FunctionPlanner::Known(int k) const {
  const size_t index = LevelIndex(k);
  return index < levels_.size() ? levels_[index].gaps.total() : 0;
}

FunctionPlanner::Level& FunctionPlanner::LevelOf(int k) {
  return LevelAt(LevelIndex(k));
}

FunctionPlanner::Level& FunctionPlanner::LevelAt(size_t index) {
  while (levels_.size() <= index) levels_.emplace_back(policy_.histogram());
  return levels_[index];
}

}  // namespace so
