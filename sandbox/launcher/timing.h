#pragma once

#include <time.h>

#include <cstdint>

namespace so {

// Measures from its making on, with the clock that the poller's timers use.
class Timing {
 public:
  Timing() : start_(Now()) {}
  uint32_t Micros() const { return static_cast<uint32_t>(Now() - start_); }

 private:
  static int64_t Now() {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
  }
  int64_t start_;
};

}  // namespace so
