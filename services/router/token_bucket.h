#pragma once

#include "absl/time/time.h"

namespace so {

// How often something may happen: `rate` times a second on average, and
// `burst` times at once after a pause. A rate of 0 is no limit; a burst of 0
// is what the rate allows within a second, at least 1.
struct RateLimit {
  double rate = 0;
  int burst = 0;

  bool limited() const { return rate > 0; }
  double capacity() const;
};

// Counts against one RateLimit, which is given with every call because it may
// change: what the bucket holds is kept, up to the new burst. Starts full. Not
// thread-safe.
class TokenBucket {
 public:
  // Whether a token can be taken at `now`.
  bool HasToken(const RateLimit& limit, absl::Time now);
  // Precondition: HasToken.
  void Take() { --tokens_; }
  // How long until there is a token; zero when there is one.
  absl::Duration UntilNext(const RateLimit& limit, absl::Time now);

 private:
  void Refill(const RateLimit& limit, absl::Time now);

  double tokens_ = 0;
  absl::Time filled_ = absl::InfinitePast();
};

}  // namespace so
