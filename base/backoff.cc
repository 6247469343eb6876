#include "base/backoff.h"

#include <algorithm>
#include <random>

#include "base/random.h"

namespace so {

absl::Duration Backoff::Next() {
  const absl::Duration wait =
      next_ * std::uniform_real_distribution(0.5, 1.0)(ThreadRandom());
  next_ = std::min(next_ * 2, longest_);
  return wait;
}

}  // namespace so
