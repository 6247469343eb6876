#pragma once

struct uv_loop_s;

namespace so::runtimes {

// Takes libuv's event loop through a fork after which all descriptors from 4 on
// were closed. libuv remembers the numbers of its descriptors and closes them
// when it makes new ones, whatever they are by then; and its lock for signals is
// a pipe that only a fork renews.
class EventLoopFork {
 public:
  // In the zygote: `loop` must be idle, its thread pool not started.
  explicit EventLoopFork(uv_loop_s* loop);

  // In the child, before the descriptors are closed.
  void FindSignalLock();
  // In the child, after they were closed. Ends the process when it fails.
  void Revive();

 private:
  uv_loop_s* const loop_;
  // The highest descriptor of the zygote.
  const int last_fd_;
  int lock_[2] = {-1, -1};
};

}  // namespace so::runtimes
