#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"

namespace so {

// What router and pool say about one function at one moment: the input of a
// scaling decision.
struct FunctionLoad {
  std::string function_id;
  std::string function_name;

  // Calls waiting for an instance.
  int queue_depth = 0;
  // Over the router's sliding window, queueing included.
  absl::Duration average_response;
  // Since the router started: all calls, and those among them that were refused
  // because the queue was full.
  double invocations = 0;
  double rejected = 0;

  // Free, running an invocation, and on their way.
  int warm = 0;
  int busy = 0;
  int warming = 0;
  // The most instances the function may have; 0 when unknown.
  int max_instances = 0;

  // Share of the calls since the previous reading that were refused for want of
  // capacity, 0 to 1. Empty when it is not known, which is not the same as 0.
  // What user code throws does not count: more instances would not help.
  std::optional<double> error_rate;

  int current() const { return warm + busy + warming; }
};

}  // namespace so
