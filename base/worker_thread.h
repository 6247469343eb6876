#pragma once

#include <deque>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "base/executor.h"
#include "base/mutex.h"

namespace so {

// A thread for what takes long (file work, walking large texts), so that it
// holds up nobody who shares another one.
class WorkerThread final : public Executor {
 public:
  WorkerThread();
  ~WorkerThread() override;

  // Dropped after Stop.
  void Post(absl::AnyInvocable<void()> work) override ABSL_LOCKS_EXCLUDED(mu_);

  // Finishes the piece at hand, drops the rest and joins. May be repeated; the
  // destructor does the same.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

  // The same, but does all that was posted before it.
  void Finish() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mu_);

  Mutex mu_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool finishing_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<absl::AnyInvocable<void()>> queue_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace so
