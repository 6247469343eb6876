#include "services/pool/parking_target.h"

#include <algorithm>
#include <cmath>

namespace so {
namespace {

// Starts come in bursts: as many as usually come within this time may come at
// once.
constexpr absl::Duration kBurst = absl::Milliseconds(250);
// The weight of an arrival falls to 1/e within this time.
constexpr absl::Duration kMemory = absl::Seconds(15);

}  // namespace

int ParkingTarget(const ParkingDemand& demand) {
  const double expected =
      demand.rate * absl::ToDoubleSeconds(demand.park_time + kBurst);
  const double extra = expected + 2 * std::sqrt(expected);
  const double bounded =
      std::min<double>(demand.max, demand.min + std::ceil(extra - 0.5));
  return std::max(0, static_cast<int>(bounded));
}

void ArrivalRate::Add(absl::Time now) {
  rate_ = PerSecond(now) + 1 / absl::ToDoubleSeconds(kMemory);
  last_ = now;
}

double ArrivalRate::PerSecond(absl::Time now) const {
  if (rate_ == 0) return 0;
  return rate_ * std::exp(-absl::FDivDuration(now - last_, kMemory));
}

}  // namespace so
