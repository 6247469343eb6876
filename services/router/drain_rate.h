#pragma once

#include "absl/time/time.h"

namespace so {

// How fast calls get done: an exponentially weighted rate of completions, in
// which what happened ten seconds ago counts a third. Not thread-safe.
class DrainRate {
 public:
  void Record(absl::Time now);

  // Completions a second; 0 before the first one.
  double PerSecond(absl::Time now) const;

  // When as many as `calls` calls that are ahead will be done: 1 s to 60 s, in
  // full seconds; 1 s while nothing is known.
  absl::Duration TimeFor(double calls, absl::Time now) const;

 private:
  // How much of what is measured at `now` the weights cover, 0 to 1: less than
  // all of it while the measurement is young.
  double Coverage(absl::Time now) const;

  absl::Time first_ = absl::InfiniteFuture();
  absl::Time latest_;
  // Completions, each weighted by its age at `latest_`.
  double weight_ = 0;
};

}  // namespace so
