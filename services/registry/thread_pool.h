#pragma once

#include <deque>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "base/mutex.h"

namespace so {

// A fixed number of threads for work that waits for the disk. Thread-safe. The
// destructor runs what is queued, then joins; it must not run on a thread of
// the pool.
class ThreadPool {
 public:
  ThreadPool(int threads, size_t queue_depth);
  ~ThreadPool();

  // False, and `task` never runs, when `queue_depth` tasks are waiting.
  [[nodiscard]] bool Submit(absl::AnyInvocable<void()> task)
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mu_);

  const size_t queue_depth_;
  Mutex mu_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<absl::AnyInvocable<void()>> tasks_ ABSL_GUARDED_BY(mu_);
  std::vector<std::thread> threads_;
};

}  // namespace so
