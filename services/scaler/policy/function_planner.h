#pragma once

#include <vector>

#include "absl/time/time.h"
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

 private:
  struct Level {
    explicit Level(const GapHistogram::Options& options) : gaps(options) {}
    GapHistogram gaps;
    absl::Time decided = absl::InfinitePast();
    bool changed = true;
    KeepAliveDecision decision;
  };

  Level& LevelOf(int k);

  const KeepAlivePolicy& policy_;
  const FunctionProfile profile_;
  const absl::Duration refresh_;
  std::vector<Level> levels_;
};

}  // namespace so
