#pragma once

#include <utility>

#include "absl/functional/any_invocable.h"
#include "base/mutex.h"

namespace so {

// Tells work under way that nobody wants it any more. Shared by who started it
// and whoever does the next step of it. Thread-safe.
class Cancellation {
 public:
  // Runs what is waiting for it. Repeating it does nothing.
  void Cancel() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::AnyInvocable<void()> callback;
    {
      MutexLock lock(mu_);
      cancelled_ = true;
      callback = std::exchange(callback_, nullptr);
    }
    if (callback) callback();
  }

  bool cancelled() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    return cancelled_;
  }

  // `callback` runs on Cancel, or now if that has come already; it takes the
  // place of an earlier one. One that was replaced may still be running.
  void OnCancel(absl::AnyInvocable<void()> callback) ABSL_LOCKS_EXCLUDED(mu_) {
    {
      MutexLock lock(mu_);
      if (!cancelled_) {
        std::swap(callback_, callback);
        return;
      }
    }
    if (callback) callback();
  }

 private:
  mutable Mutex mu_;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  absl::AnyInvocable<void()> callback_ ABSL_GUARDED_BY(mu_);
};

}  // namespace so
