#include "services/scaler/policy_list.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/cron.h"
#include "base/time_zone.h"
#include "services/scaler/policy/concurrency_scaling.h"
#include "services/scaler/policy/known_schedules.h"
#include "services/scaler/policy/latency.h"
#include "services/scaler/policy/queue_drain.h"
#include "services/scaler/policy/thresholds.h"
#include "services/scaler/policy/warm_windows.h"

namespace so {
namespace {

using serverless::function::v1::Function;
using serverless::function::v1::Scaling;
using serverless::function::v1::Trigger;
using serverless::function::v1::WarmWindow;

constexpr std::array<absl::string_view, 8> kNames = {
    "thresholds", "concurrency", "drain",     "latency",
    "history",    "windows",     "schedules", "prediction"};

std::unique_ptr<ScalingPolicy> MakeConcurrency(
    const Function& function, const ScalingSettings& settings) {
  ConcurrencyScaling::Options options = settings.concurrency;
  if (function.scaling().target_utilization() > 0) {
    options.utilisation = function.scaling().target_utilization();
  }
  if (function.has_idle_timeout()) {
    // It says how long its instances may be unused: what this policy remembers
    // is no reason to keep them for longer.
    const absl::Duration idle = absl::Milliseconds(function.idle_timeout());
    options.stable_window =
        std::clamp(idle, options.panic_window, options.stable_window);
    options.scale_down_delay = std::min(options.scale_down_delay, idle);
    options.scale_to_zero_grace = std::min(options.scale_to_zero_grace, idle);
  }
  return std::make_unique<ConcurrencyScaling>(options);
}

std::unique_ptr<ScalingPolicy> MakeDrain(const Function& function,
                                         const ScalingSettings& settings) {
  QueueDrain::Options options = settings.drain;
  if (function.scaling().target_wait() > 0) {
    options.target_wait = absl::Milliseconds(function.scaling().target_wait());
  }
  return std::make_unique<QueueDrain>(options);
}

std::unique_ptr<ScalingPolicy> MakeLatency(const Function& function,
                                           const ScalingSettings& settings) {
  LatencyScaling::Options options = settings.latency;
  if (function.scaling().target_response() > 0) {
    options.target_response =
        absl::Milliseconds(function.scaling().target_response());
  }
  return std::make_unique<LatencyScaling>(options);
}

// The registry has checked times and zones; what an earlier release let through
// is left out.
std::unique_ptr<ScalingPolicy> MakeWindows(const Function& function) {
  std::vector<WarmWindowSpec> windows;
  for (const WarmWindow& window : function.scaling().windows()) {
    auto start = CronSchedule::Parse(window.start());
    const auto zone = FindTimeZone(window.time_zone());
    if (!start.ok() || !zone.ok()) continue;
    const absl::Duration duration = absl::Milliseconds(window.duration());
    if (duration <= absl::ZeroDuration()) continue;
    windows.push_back(
        {.start = *std::move(start),
         .duration = duration,
         .zone = *zone,
         .instances = window.has_instances() ? window.instances() : 1});
  }
  return std::make_unique<WarmWindows>(std::move(windows));
}

std::string TextOf(const Trigger& trigger, const char* field) {
  const auto& fields = trigger.config().fields();
  const auto it = fields.find(field);
  return it == fields.end() ? "" : it->second.string_value();
}

std::unique_ptr<ScalingPolicy> MakeSchedules(const Function& function,
                                             const ScalingSettings& settings) {
  std::vector<KnownSchedule> schedules;
  for (const Trigger& trigger : function.triggers()) {
    if (trigger.type() != "schedule") continue;
    auto cron = CronSchedule::Parse(TextOf(trigger, "cron"));
    const auto zone = FindTimeZone(TextOf(trigger, "timezone"));
    if (!cron.ok() || !zone.ok()) continue;
    schedules.push_back({.cron = *std::move(cron), .zone = *zone});
  }
  return std::make_unique<KnownSchedules>(std::move(schedules),
                                          settings.interval);
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ParsePolicyList(
    absl::string_view text) {
  std::vector<std::string> list;
  for (absl::string_view part :
       absl::StrSplit(text, ',', absl::SkipWhitespace())) {
    const absl::string_view name = absl::StripAsciiWhitespace(part);
    if (std::find(kNames.begin(), kNames.end(), name) == kNames.end()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "no policy \"", name, "\"; there are ", absl::StrJoin(kNames, ", ")));
    }
    if (std::find(list.begin(), list.end(), name) != list.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", name, "\" is there twice"));
    }
    list.emplace_back(name);
  }
  return list;
}

std::vector<std::string> PolicyNames(const Function& function,
                                     const ScalingSettings& settings) {
  const auto& own = function.scaling().policies();
  if (!own.empty()) return {own.begin(), own.end()};
  std::vector<std::string> names = settings.policies;
  // A function that says how long its instances may be idle has answered what
  // prediction asks.
  if (function.has_idle_timeout()) std::erase(names, "prediction");
  return names;
}

std::unique_ptr<ScalingPolicy> MakePolicy(absl::string_view name,
                                          const Function& function,
                                          const ScalingSettings& settings) {
  if (name == "thresholds") {
    return std::make_unique<ThresholdScaling>(settings.thresholds);
  }
  if (name == "concurrency") return MakeConcurrency(function, settings);
  if (name == "drain") return MakeDrain(function, settings);
  if (name == "latency") return MakeLatency(function, settings);
  if (name == "windows") return MakeWindows(function);
  if (name == "schedules") return MakeSchedules(function, settings);
  return nullptr;
}

}  // namespace so
