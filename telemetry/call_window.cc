#include "telemetry/call_window.h"

#include <algorithm>

namespace so {

int64_t CallWindow::NumberAt(absl::Time now) const {
  return (now - absl::UnixEpoch()) / slice_length_;
}

CallWindow::Slice& CallWindow::Current(absl::Time now) {
  const int64_t number = NumberAt(now);
  Slice& slice = slices_[number % kSlices];
  if (slice.number != number) {
    slice = Slice();
    slice.number = number;
  }
  return slice;
}

void CallWindow::RecordCall(absl::Time now, double ms, bool error) {
  Slice& slice = Current(now);
  slice.latency.Record(ms);
  slice.sum += ms;
  if (error) ++slice.errors;
}

void CallWindow::RecordQueueDepth(absl::Time now, int depth) {
  Slice& slice = Current(now);
  slice.max_queue_depth = std::max(slice.max_queue_depth, depth);
}

CallSummary CallWindow::Summarize(absl::Time now) const {
  const int64_t newest = NumberAt(now);
  CallSummary summary;
  LatencyHistogram latency;
  double sum = 0;
  for (const Slice& slice : slices_) {
    if (slice.number <= newest - kSlices || slice.number > newest) continue;
    latency.Add(slice.latency);
    sum += slice.sum;
    summary.errors += slice.errors;
    summary.max_queue_depth =
        std::max(summary.max_queue_depth, slice.max_queue_depth);
  }
  summary.calls = latency.count();
  if (summary.calls > 0) {
    summary.average = sum / static_cast<double>(summary.calls);
    summary.p50 = latency.Quantile(0.50);
    summary.p95 = latency.Quantile(0.95);
    summary.p99 = latency.Quantile(0.99);
  }
  return summary;
}

}  // namespace so
