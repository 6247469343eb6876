#include "services/router/drain_rate.h"

#include <algorithm>
#include <cmath>

namespace so {
namespace {

constexpr absl::Duration kMemory = absl::Seconds(10);
// A first completion says little about a rate.
constexpr absl::Duration kShortest = absl::Seconds(1);
constexpr absl::Duration kLeast = absl::Seconds(1);
constexpr absl::Duration kMost = absl::Seconds(60);

double Decay(absl::Duration age) {
  return std::exp(-absl::FDivDuration(age, kMemory));
}

}  // namespace

void DrainRate::Record(absl::Time now) {
  if (weight_ == 0) {
    first_ = now;
    latest_ = now;
  }
  weight_ = weight_ * Decay(now - latest_) + 1;
  latest_ = now;
}

double DrainRate::Coverage(absl::Time now) const {
  return 1 - Decay(std::max(now - first_, kShortest));
}

double DrainRate::PerSecond(absl::Time now) const {
  if (weight_ == 0) return 0;
  return weight_ * Decay(now - latest_) /
         (absl::ToDoubleSeconds(kMemory) * Coverage(now));
}

absl::Duration DrainRate::TimeFor(double calls, absl::Time now) const {
  if (weight_ == 0) return kLeast;
  const double rate = PerSecond(now);
  // Nothing has been done for so long that the rate has faded away.
  if (rate * absl::ToDoubleSeconds(kMost) < calls) return kMost;
  return std::clamp(absl::Ceil(absl::Seconds(calls / rate), absl::Seconds(1)),
                    kLeast, kMost);
}

}  // namespace so
