#pragma once

#include "absl/time/time.h"
#include "base/error.h"

namespace so {

// Decides whether one version of a function may be started: after three starts
// in a row that failed in the function's own code, only once in ten seconds.
// Not thread-safe.
//
//   if (!breaker.Allow(now)) return Refuse(breaker.last_error());
//   ...                                   // start it
//   breaker.Succeeded();                  // or Failed(error)
class InitBreaker {
 public:
  static constexpr int kFailures = 3;
  static constexpr absl::Duration kProbeInterval = absl::Seconds(10);

  bool open() const { return failures_ >= kFailures; }
  // Of the last start that failed.
  const Error& last_error() const { return last_error_; }

  // Whether to start one now. While open, a yes uses up the probe.
  bool Allow(absl::Time now);
  void Succeeded() { failures_ = 0; }
  void Failed(const Error& error, absl::Time now);

 private:
  int failures_ = 0;
  absl::Time next_probe_ = absl::InfinitePast();
  Error last_error_;
};

// Whether a failed start was the function's own doing.
bool IsInitFailure(const Error& error);

}  // namespace so
