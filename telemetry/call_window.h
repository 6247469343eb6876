#pragma once

#include <array>
#include <cstdint>

#include "absl/time/time.h"
#include "telemetry/latency_histogram.h"

namespace so {

// What happened during a window.
struct CallSummary {
  uint64_t calls = 0;
  uint64_t errors = 0;
  // Response times in ms.
  double average = 0;
  double p50 = 0;
  double p95 = 0;
  double p99 = 0;
  int max_queue_depth = 0;
};

// Calls over a sliding window that advances in sixths of its length: a summary
// covers between 5/6 of the window and all of it. Not thread-safe.
class CallWindow {
 public:
  explicit CallWindow(absl::Duration length)
      : slice_length_(length / kSlices) {}

  void RecordCall(absl::Time now, double ms, bool error);
  void RecordQueueDepth(absl::Time now, int depth);
  CallSummary Summarize(absl::Time now) const;

 private:
  static constexpr int kSlices = 6;

  struct Slice {
    // Which slice of time this is: slice lengths since the epoch.
    int64_t number = -1;
    LatencyHistogram latency;
    uint64_t errors = 0;
    double sum = 0;
    int max_queue_depth = 0;
  };

  int64_t NumberAt(absl::Time now) const;
  // The slice of `now`, emptied when it last held an older one.
  Slice& Current(absl::Time now);

  absl::Duration slice_length_;
  std::array<Slice, kSlices> slices_;
};

}  // namespace so
