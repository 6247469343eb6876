#pragma once

#include <deque>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "base/mutex.h"
#include "services/pool/executor.h"

namespace so {

// A thread for file work, so that a slow disk holds up nobody else. The
// destructor finishes the piece at hand, drops the rest and joins.
class DiskThread final : public Executor {
 public:
  DiskThread();
  ~DiskThread() override;

  void Post(absl::AnyInvocable<void()> work) override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mu_);

  Mutex mu_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<absl::AnyInvocable<void()>> queue_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace so
