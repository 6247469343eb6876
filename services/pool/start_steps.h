#pragma once

#include <map>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "serverless/pool/v1/pool.pb.h"
#include "telemetry/duration_buckets.h"

namespace so {

// How long each step of a start takes, for each runtime. Not thread-safe.
class StartSteps {
 public:
  void Record(absl::string_view runtime, absl::string_view step,
              absl::Duration took) {
    steps_[{std::string(runtime), std::string(step)}].Record(
        absl::ToDoubleSeconds(took));
  }
  void AddTo(serverless::pool::v1::GetMetricsResponse& response) const;

 private:
  // By runtime and step.
  std::map<std::pair<std::string, std::string>, StepBuckets> steps_;
};

}  // namespace so
