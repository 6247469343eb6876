#pragma once

#include <vector>

struct uv_loop_s;

namespace so::runtimes {

// Takes node's event loop through a fork after which all descriptors from 4 on
// were closed, though libuv remembers their numbers:
// - Those of the loop are closed when it makes new ones, whatever they are by
//   then.
// - The lock for signals is a pipe that only a fork renews.
// - Other threads of node have loops too. The threads are not in the fork, but
//   V8 may still hand them work; waking them must not fail.
class EventLoopFork {
 public:
  // In the zygote, last thing before it serves: `loop` must be idle, its thread
  // pool not started. Ends the process when something is not as expected.
  explicit EventLoopFork(uv_loop_s* loop);

  // In the child. Ends the process when it fails.
  void Revive();

 private:
  void ListDescriptors();
  void FindSignalLock();
  void FillHoles();
  void RestoreSignalLock();

  uv_loop_s* const loop_;
  // Descriptors of the zygote: the highest, what wakes loops, and the two ends
  // of the lock for signals.
  int last_fd_ = 0;
  std::vector<int> wakers_;
  int lock_[2] = {-1, -1};
};

}  // namespace so::runtimes
