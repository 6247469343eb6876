#include "services/router/token_bucket.h"

#include <algorithm>

namespace so {
namespace {

// Adding up many small refills must not make a client wait for a rounding
// error.
constexpr double kRounding = 1e-6;

}  // namespace

double RateLimit::capacity() const {
  return burst > 0 ? burst : std::max(1.0, rate);
}

void TokenBucket::Refill(const RateLimit& limit, absl::Time now) {
  if (filled_ == absl::InfinitePast()) {
    tokens_ = limit.capacity();
  } else if (now > filled_) {
    tokens_ += absl::ToDoubleSeconds(now - filled_) * limit.rate;
  }
  tokens_ = std::min(tokens_, limit.capacity());
  filled_ = std::max(filled_, now);
}

bool TokenBucket::HasToken(const RateLimit& limit, absl::Time now) {
  Refill(limit, now);
  return tokens_ >= 1 - kRounding;
}

absl::Duration TokenBucket::UntilNext(const RateLimit& limit, absl::Time now) {
  Refill(limit, now);
  if (tokens_ >= 1 - kRounding) return absl::ZeroDuration();
  return absl::Seconds((1 - tokens_) / limit.rate);
}

}  // namespace so
