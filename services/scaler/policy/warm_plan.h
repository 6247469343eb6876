#pragma once

#include "absl/time/time.h"

namespace so {

// What becomes of an instance that has just become idle, if nobody needs it.
// All times count from that moment. It stays for `keep`; then it is let go, and
// unless `prewarm` is infinite, another one is started after `prewarm` and
// stays for `prewarm_keep`.
struct WarmPlan {
  absl::Duration keep;
  // At least `keep`.
  absl::Duration prewarm = absl::InfiniteDuration();
  absl::Duration prewarm_keep;

  // An instance older than this is let go at the end of its call or idle time,
  // whatever the plan.
  absl::Duration max_age = absl::InfiniteDuration();
  // Instead, a successor takes its place before it goes: age is never the cause
  // of a cold start.
  bool replace_aged = false;

  bool has_prewarm() const { return prewarm != absl::InfiniteDuration(); }

  // Whether an instance is there `idle` after the last one was used, its age
  // aside.
  bool WarmAfter(absl::Duration idle) const;
  // For how much of the first `idle` an instance is there, its age aside.
  absl::Duration WarmTime(absl::Duration idle) const;
};

// Free instances that are kept beside busy ones, looked at every `interval`.
struct SpareRule {
  int instances = 0;
  absl::Duration interval = absl::Seconds(5);
};

}  // namespace so
