#include "services/pool/warming_waste.h"

#include <algorithm>
#include <bitset>

namespace so {
namespace {

constexpr absl::Duration kFirstPause = absl::Minutes(5);
constexpr absl::Duration kLongestPause = absl::Hours(1);

}  // namespace

absl::Duration WarmingWaste::Ended(bool used, absl::Time now) {
  // It was started before; what it shows is known.
  if (!Allows(now)) return absl::ZeroDuration();
  history_ = history_ << 1 | (used ? 0 : 1);
  size_ = std::min(size_ + 1, kWindow);
  if (size_ < kWindow) return absl::ZeroDuration();
  const std::bitset<kWindow> unused(history_);
  if (static_cast<int>(unused.count()) <= kMaxUnused) {
    pause_ = absl::ZeroDuration();
    return absl::ZeroDuration();
  }
  pause_ = std::clamp(pause_ * 2, kFirstPause, kLongestPause);
  held_until_ = now + pause_;
  // The next ones are judged afresh.
  history_ = 0;
  size_ = 0;
  return pause_;
}

}  // namespace so
