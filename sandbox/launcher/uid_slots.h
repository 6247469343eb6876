#pragma once

#include <sys/types.h>

#include <deque>
#include <optional>

namespace so {

// The user ids of the host that sandboxes run as: one each, and one that has
// been given back rests as long as possible before it is used again.
class UidSlots {
 public:
  UidSlots(uid_t first, int count);

  // None when all are in use.
  std::optional<uid_t> Take();
  // Only once no process and no file of `uid` is left.
  void GiveBack(uid_t uid) { free_.push_back(uid); }

 private:
  std::deque<uid_t> free_;
};

}  // namespace so
