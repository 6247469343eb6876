#include "sandbox/launcher/uid_slots.h"

namespace so {

UidSlots::UidSlots(uid_t first, int count) {
  for (int i = 0; i < count; ++i)
    free_.push_back(first + static_cast<uid_t>(i));
}

std::optional<uid_t> UidSlots::Take() {
  if (free_.empty()) return std::nullopt;
  const uid_t uid = free_.front();
  free_.pop_front();
  return uid;
}

}  // namespace so
