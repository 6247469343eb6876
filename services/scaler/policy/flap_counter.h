#pragma once

#include <deque>

#include "absl/time/time.h"

namespace so {

// Counts how often a number changes its direction: a fall after a rise, or a
// rise after a fall. A number that grows in steps does not flap. Not
// thread-safe.
class FlapCounter {
 public:
  // `now` does not fall.
  void Observe(int number, absl::Time now);

  // Changes of direction in all, and in the last 10 minutes.
  double total() const { return total_; }
  int Recent(absl::Time now) const;

  // The total of an earlier life.
  void Restore(double total) { total_ = total; }

 private:
  bool known_ = false;
  int number_ = 0;
  // 1 after a rise, -1 after a fall, 0 before either.
  int direction_ = 0;
  double total_ = 0;
  // Those of the last 10 minutes, the latest last.
  std::deque<absl::Time> recent_;
};

}  // namespace so
