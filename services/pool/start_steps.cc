#include "services/pool/start_steps.h"

namespace so {

void StartSteps::AddTo(
    serverless::pool::v1::GetMetricsResponse& response) const {
  for (const auto& [key, buckets] : steps_) {
    auto& step = *response.add_start_steps();
    step.set_runtime(key.first);
    step.set_step(key.second);
    for (size_t i = 0; i < StepBuckets::kBounds.size(); ++i) {
      step.add_bounds(StepBuckets::kBounds[i]);
      step.add_counts(static_cast<double>(buckets.counts()[i]));
    }
    step.set_count(static_cast<double>(buckets.count()));
    step.set_sum(buckets.sum());
  }
}

}  // namespace so
