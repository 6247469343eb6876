#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "services/scaler/policy/concurrency_target.h"
#include "services/scaler/policy/keep_alive_policy.h"
#include "services/scaler/policy/latency.h"
#include "services/scaler/policy/queue_drain.h"
#include "services/scaler/policy/thresholds.h"

namespace so {

// What prediction does: nothing, only be compared, decide where it has proved
// to be better, or decide always.
enum class PredictionSetting { kOff, kShadow, kAuto, kOn };

// "off", "shadow", "auto", "on".
absl::string_view ToString(PredictionSetting mode);
// kAuto for anything else.
PredictionSetting ParsePredictionSetting(absl::string_view text);

// How the scaler is set, for functions that say nothing else.
struct ScalingSettings {
  // Time from one reading to the next.
  absl::Duration interval = absl::Seconds(2);
  // In the order in which equals win.
  std::vector<std::string> policies = {
      "concurrency", "drain", "latency", "windows", "schedules", "prediction"};
  ThresholdScaling::Options thresholds;
  ConcurrencyTarget::Options concurrency;
  QueueDrain::Options drain;
  LatencyScaling::Options latency;
  PredictionSetting prediction = PredictionSetting::kAuto;
  // How prediction plans; borrowed.
  const KeepAlivePolicy* keep_alive = nullptr;
  absl::TimeZone time_zone = absl::UTCTimeZone();
};

}  // namespace so
