#include "services/registry/thread_pool.h"

#include <utility>

namespace so {

ThreadPool::ThreadPool(int threads, size_t queue_depth)
    : queue_depth_(queue_depth) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

ThreadPool::~ThreadPool() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
  }
  changed_.SignalAll();
  for (std::thread& thread : threads_) thread.join();
}

bool ThreadPool::Submit(absl::AnyInvocable<void()> task) {
  {
    MutexLock lock(mu_);
    if (stopping_ || tasks_.size() >= queue_depth_) return false;
    tasks_.push_back(std::move(task));
  }
  changed_.Signal();
  return true;
}

void ThreadPool::Run() {
  while (true) {
    absl::AnyInvocable<void()> task;
    {
      MutexLock lock(mu_);
      while (tasks_.empty() && !stopping_) changed_.Wait(mu_);
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace so
