#pragma once

#include <deque>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace so {

// How many calls of a function ran or waited at one moment.
struct ConcurrencySample {
  absl::Time time;
  double concurrency = 0;
};

// What changed the number that the formula gave, in the order in which they are
// applied.
enum class TargetClamp {
  // No sample, or none that is recent: what there is stays.
  kStale,
  // Less than a full window is known, so nothing shrinks.
  kHistoryIncomplete,
  kScaleUpRate,
  kScaleDownRate,
  // In panic nothing shrinks.
  kPanic,
  // A larger number was wanted a moment ago.
  kScaleDownDelay,
  // The last instance waits for the end of the grace period.
  kZeroGrace,
  kMinInstances,
  kMaxInstances,
};

// "stale", "history-incomplete", "scale-up-rate", ...
absl::string_view ToString(TargetClamp clamp);

// What the policy remembers of a function from one decision to the next. That
// of a function which has just become known, or after a restart, is
// TargetState().
struct TargetState {
  // Since when samples have come without a break; InfiniteFuture before the
  // first.
  absl::Time history_since = absl::InfiniteFuture();
  // Panic ends then unless it is renewed; InfinitePast outside of it.
  absl::Time panic_until = absl::InfinitePast();
  // Since when no instance has been wanted; InfiniteFuture while some are.
  absl::Time unwanted_since = absl::InfiniteFuture();
  // The result of the latest decision.
  int desired = 0;
  // What was wanted within the scale-down delay: the latest last, falling from
  // first to last.
  struct Wanted {
    absl::Time time;
    int instances = 0;
  };
  std::deque<Wanted> recent;
};

// A decision with everything that it rests on.
struct TargetDecision {
  absl::Time time;

  // The inputs: the mean concurrency over the windows, the number of samples in
  // the longer one, and how many instances are ready.
  double stable_concurrency = 0;
  double panic_concurrency = 0;
  int samples = 0;
  int ready = 0;

  // The formula: ceil(concurrency / per_instance), for each window.
  double per_instance = 0;
  int stable_wanted = 0;
  int panic_wanted = 0;

  bool panicking = false;
  std::vector<TargetClamp> clamps;
  int desired = 0;

  // For the next decision.
  TargetState state;
};

// One line for people: inputs, formula, clamps, result.
std::string Explain(const TargetDecision& decision);

// How many instances a function should have for as many calls as run at once:
// so many that each is used to `utilisation`. Looks at a long window, and while
// demand doubles, at a short one ("panic"). The windows and limits are those of
// Knative's autoscaler, apart from a scale-down delay that is not 0.
//
// Pure and thread-safe. More concurrency never gives a smaller result, and
// constant concurrency one that moves in one direction until it stays. Samples
// that are missing or old are not taken for a lack of calls.
class ConcurrencyTarget {
 public:
  struct Options {
    absl::Duration stable_window = absl::Seconds(60);
    absl::Duration panic_window = absl::Seconds(6);
    // Panic begins when the short window wants this many times what is ready.
    double panic_threshold = 2.0;
    double utilisation = 0.7;
    // Calls that one instance runs at a time.
    int instance_concurrency = 1;
    // At most this many times what is ready, and at least the part of it that
    // the second one divides it by.
    double max_scale_up_rate = 1000;
    double max_scale_down_rate = 2;
    // How long a number must have been too large before it shrinks.
    absl::Duration scale_down_delay = absl::Seconds(30);
    // How long nothing must have been wanted before the last instance goes.
    absl::Duration scale_to_zero_grace = absl::Seconds(30);
    // A latest sample older than this says nothing.
    absl::Duration stale_after = absl::Seconds(10);
    int min_instances = 0;
    // At least min_instances.
    int max_instances = 20;
  };

  ConcurrencyTarget() : ConcurrencyTarget(Options()) {}
  // What is out of range is set to the nearest that is not.
  explicit ConcurrencyTarget(const Options& options);

  // `samples` in rising order of time; those older than the stable window, or
  // later than `now`, are not looked at. `ready` is the number of instances
  // that can take calls. `now` does not fall from one decision to the next.
  TargetDecision Desired(absl::Span<const ConcurrencySample> samples, int ready,
                         const TargetState& state, absl::Time now) const;

 private:
  // When the samples end, and since when there has been no hole in them.
  struct Coverage {
    absl::Time since = absl::InfinitePast();
    absl::Time until = absl::InfinitePast();
  };

  Coverage Measure(absl::Span<const ConcurrencySample> samples,
                   TargetDecision& decision) const;
  int Wanted(double concurrency) const;
  void Hold(TargetDecision& decision) const;
  void UpdatePanic(TargetDecision& decision) const;
  int LimitRate(int wanted, TargetDecision& decision) const;
  int KeepRecent(int wanted, TargetDecision& decision) const;
  int KeepLast(int wanted, TargetDecision& decision) const;
  int LimitRange(int wanted, TargetDecision& decision) const;

  Options options_;
};

}  // namespace so
