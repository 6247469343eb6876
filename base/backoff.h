#pragma once

#include "absl/time/time.h"

namespace so {

// Waiting times between attempts: doubling from `first` to `longest`, each
// shortened at random by up to half, so that many clients do not return at
// once. Not thread-safe.
class Backoff {
 public:
  Backoff(absl::Duration first, absl::Duration longest)
      : first_(first), longest_(longest), next_(first) {}

  absl::Duration Next();
  // After a success.
  void Reset() { next_ = first_; }

 private:
  const absl::Duration first_;
  const absl::Duration longest_;
  absl::Duration next_;
};

}  // namespace so
