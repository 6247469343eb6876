#include "base/worker_thread.h"

#include <utility>

namespace so {

WorkerThread::WorkerThread() : thread_([this] { Run(); }) {}

WorkerThread::~WorkerThread() { Stop(); }

void WorkerThread::Stop() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    changed_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
  std::deque<absl::AnyInvocable<void()>> dropped;
  MutexLock lock(mu_);
  dropped.swap(queue_);
}

void WorkerThread::Finish() {
  {
    MutexLock lock(mu_);
    finishing_ = true;
    changed_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
  Stop();
}

void WorkerThread::Post(absl::AnyInvocable<void()> work) {
  MutexLock lock(mu_);
  if (stopping_) return;
  queue_.push_back(std::move(work));
  changed_.Signal();
}

void WorkerThread::Run() {
  while (true) {
    absl::AnyInvocable<void()> work;
    {
      MutexLock lock(mu_);
      while (queue_.empty() && !stopping_ && !finishing_) changed_.Wait(mu_);
      if (stopping_ || queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace so
