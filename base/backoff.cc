#include "base/backoff.h"

#include <algorithm>

#include "absl/random/random.h"

namespace so {

absl::Duration Backoff::Next() {
  thread_local absl::BitGen generator;
  const absl::Duration wait = next_ * absl::Uniform(generator, 0.5, 1.0);
  next_ = std::min(next_ * 2, longest_);
  return wait;
}

}  // namespace so
