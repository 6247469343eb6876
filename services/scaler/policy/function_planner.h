#pragma once

#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "services/scaler/policy/gap_histogram.h"
#include "services/scaler/policy/keep_alive_policy.h"

namespace so {

// Learns the gaps of one function and plans for its instances. The instances of
// a function are interchangeable, so the question is not what one of them did,
// but how long it takes until k calls run at once again: the k-th instance has
// a history of its own. The first four have one each, above that 5-8, 9-16, ...
// share one. Not thread-safe; the same code live and in a replay.
class FunctionPlanner {
 public:
  // `policy` is borrowed. A plan is made anew at most once in `refresh`.
  FunctionPlanner(const KeepAlivePolicy& policy, const FunctionProfile& profile,
                  absl::Duration refresh = absl::Minutes(1));

  // The k-th instance, k >= 1, was needed again `gap` after it became idle.
  void Observe(int k, absl::Duration gap);

  // For the k-th instance, which became idle at `now`. Valid until the next
  // call.
  const KeepAliveDecision& Decide(int k, absl::Time now);

  // What the function is like, from now on.
  void SetProfile(const FunctionProfile& profile);

  // For what is remembered between runs. Level i is the history of the i+1-th
  // instance while i < 4, and then of 5-8, 9-16, ...
  static constexpr int kMostLevels = 32;
  // How many levels there are something about, at most kMostLevels.
  int levels() const { return static_cast<int>(levels_.size()); }
  // 0 <= level < levels().
  const GapHistogram& gaps(int level) const { return levels_[level].gaps; }
  // The level's weights and what is beyond the range, as GapHistogram::Restore
  // takes them; false, and nothing changes, when they or the level cannot be.
  bool Restore(int level, absl::Span<const double> weights, double beyond);

  // How much is known of the k-th instance: its gaps, each the less the older.
  double Known(int k) const;

 private:
  struct Level {
    explicit Level(const GapHistogram::Options& options) : gaps(options) {}
    GapHistogram gaps;
    absl::Time decided = absl::InfinitePast();
    bool changed = true;
    KeepAliveDecision decision;
  };

  Level& LevelOf(int k);
  Level& LevelAt(size_t index);

  const KeepAlivePolicy& policy_;
  FunctionProfile profile_;
  const absl::Duration refresh_;
  std::vector<Level> levels_;
};

}  // namespace so
