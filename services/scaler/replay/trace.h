#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace so {

// The calls of one function within one minute.
struct MinuteCalls {
  int minute = 0;
  uint32_t calls = 0;
};

struct TraceFunction {
  std::string name;
  // Minutes without calls are left out; rising.
  std::vector<MinuteCalls> minutes;
  // How long each call runs.
  absl::Duration duration;
  // What each instance holds.
  double memory_gb = 0;
};

// Who called what when, to the minute.
struct Trace {
  int minutes = 0;
  std::vector<TraceFunction> functions;
  // Of how many functions the duration and the memory were known.
  int known_durations = 0;
  int known_memory = 0;

  absl::Duration length() const { return minutes * absl::Minutes(1); }
};

}  // namespace so
