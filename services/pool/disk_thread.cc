#include "services/pool/disk_thread.h"

#include <utility>

namespace so {

DiskThread::DiskThread() : thread_([this] { Run(); }) {}

DiskThread::~DiskThread() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    changed_.SignalAll();
  }
  thread_.join();
}

void DiskThread::Post(absl::AnyInvocable<void()> work) {
  MutexLock lock(mu_);
  queue_.push_back(std::move(work));
  changed_.Signal();
}

void DiskThread::Run() {
  while (true) {
    absl::AnyInvocable<void()> work;
    {
      MutexLock lock(mu_);
      while (queue_.empty() && !stopping_) changed_.Wait(mu_);
      if (stopping_) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace so
