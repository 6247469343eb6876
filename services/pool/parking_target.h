#pragma once

#include "absl/time/time.h"

namespace so {

// What the number of parked sandboxes of a runtime depends on.
struct ParkingDemand {
  // Starts per second.
  double rate = 0;
  // How long making one takes.
  absl::Duration park_time;
  int min = 0;
  int max = 0;
};

// How many sandboxes to keep parked, so that a start rarely finds none. Pure.
//
// Beyond the minimum: what is expected to be taken while a taken one is
// replaced, and twice the spread that arrivals at random have.
int ParkingTarget(const ParkingDemand& demand);

// Events per second, recent ones counting most. Not thread-safe.
class ArrivalRate {
 public:
  void Add(absl::Time now);
  double PerSecond(absl::Time now) const;

 private:
  double rate_ = 0;
  absl::Time last_ = absl::InfinitePast();
};

}  // namespace so
