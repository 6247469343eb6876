#include "services/scaler/load_join.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace so {
namespace {

using serverless::pool::v1::FunctionMetrics;
using serverless::pool::v1::GetMetricsResponse;
using serverless::pool::v1::StartStep;
using serverless::router::v1::FunctionStatistics;

// The function failed: the rest of the errors are refusals of any kind.
double Failures(const FunctionStatistics& statistics) {
  double refused = 0;
  for (const auto& [code, count] : statistics.refusals()) refused += count;
  return std::max(0.0, statistics.errors() - refused);
}

void AddStatistics(const FunctionStatistics& statistics, FunctionLoad& load) {
  load.queue_depth = statistics.queue_depth();
  load.running = statistics.in_flight();
  load.average_response = absl::Milliseconds(statistics.average());
  load.invocations = statistics.invocations();
  load.cold_starts = statistics.cold_starts();
  load.rejected = statistics.rejected();
  load.failed = Failures(statistics);
  load.call_time = absl::Seconds(statistics.call_seconds());
  load.run_time = absl::Seconds(statistics.duration().sum());
  load.peak_concurrency = statistics.peak_concurrency();
}

void AddMetrics(const FunctionMetrics& metrics, size_t pool,
                FunctionLoad& load) {
  load.function_id = metrics.function_id();
  load.function_name = metrics.function_name();
  load.warm += metrics.warm();
  load.busy += metrics.busy();
  load.warming += metrics.warming();
  load.by_pool[pool] = metrics.warm() + metrics.busy() + metrics.warming();
  load.idle_gb_seconds += metrics.idle_gb_seconds();
  load.busy_gb_seconds += metrics.busy_gb_seconds();
  load.max_instances = std::max(load.max_instances, metrics.max_instances());
}

// An upper bound of the p95 of what a histogram has seen: the end of the bucket
// that it is in.
absl::Duration P95(const StartStep& step) {
  for (int i = 0; i < step.bounds_size() && i < step.counts_size(); ++i) {
    if (step.counts(i) >= 0.95 * step.count()) {
      return absl::Seconds(step.bounds(i));
    }
  }
  return step.count() > 0 ? absl::Seconds(step.sum() / step.count())
                          : absl::ZeroDuration();
}

// A start is a sandbox taken, activated, and the code loaded; the rest is done
// ahead. The p95 of a sum is at most about the sum of the p95s.
void AddColdStarts(const GetMetricsResponse& pool,
                   std::map<std::string, absl::Duration>& cold_starts) {
  std::map<std::string, absl::Duration> sums;
  for (const StartStep& step : pool.start_steps()) {
    const bool counts = step.step() == "take" || step.step() == "activate" ||
                        step.step() == "init";
    if (counts && step.count() > 0) sums[step.runtime()] += P95(step);
  }
  for (const auto& [runtime, sum] : sums) {
    absl::Duration& longest = cold_starts[runtime];
    longest = std::max(longest, sum);
  }
}

}  // namespace

LoadReading JoinLoad(
    const serverless::router::v1::GetStatisticsResponse& statistics,
    const std::vector<std::optional<GetMetricsResponse>>& pools) {
  FunctionLoad unknown;
  for (const auto& pool : pools) {
    unknown.by_pool.push_back(pool.has_value() ? 0 : -1);
  }
  std::map<std::string, FunctionLoad> by_id;
  for (size_t i = 0; i < pools.size(); ++i) {
    if (!pools[i].has_value()) continue;
    for (const FunctionMetrics& metrics : pools[i]->metrics()) {
      FunctionLoad& load =
          by_id.try_emplace(metrics.function_id(), unknown).first->second;
      AddMetrics(metrics, i, load);
    }
  }
  for (const FunctionStatistics& function : statistics.functions()) {
    const auto it = by_id.find(function.function_id());
    if (it != by_id.end()) AddStatistics(function, it->second);
  }
  LoadReading reading = {.router_id = statistics.router_id()};
  for (const auto& pool : pools) {
    if (pool.has_value()) AddColdStarts(*pool, reading.cold_starts);
  }
  for (auto& [id, load] : by_id) reading.loads.push_back(std::move(load));
  return reading;
}

}  // namespace so
