#pragma once

#include "base/mutex.h"

namespace so {

// Counts what of a service is still open at gRPC, so that a server that shuts
// down can wait until nothing calls back any more. Thread-safe.
class OpenCalls {
 public:
  void Add() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    ++count_;
  }
  void Remove() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    if (--count_ == 0) none_.SignalAll();
  }
  void WaitForNone() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    while (count_ > 0) none_.Wait(mu_);
  }

 private:
  Mutex mu_;
  CondVar none_;
  int count_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace so
