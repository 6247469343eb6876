#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"

namespace so {

// What routers and pools say about one function at one moment: the input of a
// scaling decision.
struct FunctionLoad {
  std::string function_id;
  std::string function_name;

  // Calls waiting for an instance, and calls that an instance runs.
  int queue_depth = 0;
  int running = 0;
  // Over the router's sliding window, queueing included.
  absl::Duration average_response;
  // Since the router started: all calls, those among them that were cold, that
  // were refused because the queue was full, and whose function failed.
  double invocations = 0;
  double cold_starts = 0;
  double rejected = 0;
  double failed = 0;
  // The same for the time that calls were in the router, waiting or running,
  // and in the function, each added up.
  absl::Duration call_time;
  absl::Duration run_time;

  // Free, running an invocation, and on their way.
  int warm = 0;
  int busy = 0;
  int warming = 0;
  // Since the pools started, in GB-seconds.
  double idle_gb_seconds = 0;
  double busy_gb_seconds = 0;
  // The most instances the function may have; 0 when unknown.
  int max_instances = 0;

  // ---- since the previous reading; what it was compared with is known to be
  // of the same router. Empty or 0 otherwise.

  // Share of the calls that were refused for want of capacity, 0 to 1. Empty
  // when it is not known, which is not the same as 0. What user code throws
  // does not count: more instances would not help.
  std::optional<double> error_rate;
  // Share of the calls whose function failed, 0 to 1.
  double failure_rate = 0;
  // Calls that ended, and how long they ran on average (0 when none did).
  double calls = 0;
  absl::Duration average_run;
  // Calls waiting or running: their mean, and the most at one moment.
  double concurrency = 0;
  int peak_concurrency = 0;

  int current() const { return warm + busy + warming; }
};

}  // namespace so
