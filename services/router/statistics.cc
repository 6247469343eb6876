#include "services/router/statistics.h"

#include <utility>

#include "base/error.h"

namespace so {

using serverless::function::v1::Function;
using serverless::router::v1::FunctionStatistics;
using serverless::router::v1::GetStatisticsResponse;

namespace {

// More instances would have served the call.
bool IsRefusal(absl::string_view code) {
  return code == "QUEUE_FULL" || code == "QUEUE_TIMEOUT";
}

void AddLoad(FunctionStatistics& statistics, const Dispatcher::Load& load) {
  statistics.set_queue_depth(load.queue_depth);
  statistics.set_in_flight(load.in_flight);
  statistics.set_starting(load.starting);
  statistics.set_queue_bytes(static_cast<double>(load.bytes));
  statistics.set_call_seconds(absl::ToDoubleSeconds(load.call_time));
  statistics.set_peak_concurrency(load.peak);
}

}  // namespace

Statistics::Counters& Statistics::Of(const Function& function) {
  Counters& counters =
      functions_.try_emplace(function.id(), window_).first->second;
  if (counters.name.empty()) counters.name = function.name();
  return counters;
}

void Statistics::RecordCall(const Function& function, absl::Duration response,
                            const absl::StatusOr<Receipt>& outcome) {
  const bool failed = !outcome.ok() || outcome->has_error();
  MutexLock lock(mu_);
  Counters& counters = Of(function);
  ++counters.invocations;
  if (failed) ++counters.errors;
  if (outcome.ok()) {
    if (outcome->cold_start()) ++counters.cold_starts;
    if (outcome->duration() > 0) {
      counters.duration.Record(outcome->duration() / 1000);
    }
  } else {
    const std::string code = ErrorFromStatus(outcome.status()).code();
    ++counters.refusals[code];
    if (IsRefusal(code)) ++counters.rejected;
  }
  counters.recent.RecordCall(clock_.Now(), absl::ToDoubleMilliseconds(response),
                             failed);
}

void Statistics::RecordQueueDepth(const Function& function, int depth) {
  MutexLock lock(mu_);
  Of(function).recent.RecordQueueDepth(clock_.Now(), depth);
}

void Statistics::ForgetFunction(const std::string& function_id) {
  MutexLock lock(mu_);
  functions_.erase(function_id);
}

GetStatisticsResponse Statistics::Snapshot(
    const std::map<std::string, Dispatcher::Load>& loads) const {
  GetStatisticsResponse response;
  response.set_router_id(router_id_);
  const absl::Time now = clock_.Now();
  std::map<std::string, FunctionStatistics> functions;
  {
    MutexLock lock(mu_);
    for (const auto& [id, counters] : functions_) {
      Fill(functions[id], counters, now);
    }
  }
  const Counters none(window_);
  for (const auto& [id, load] : loads) {
    const auto [it, added] = functions.try_emplace(id);
    if (added && load.function_name.empty()) {
      // Nobody has called it, or it is gone.
      functions.erase(it);
      continue;
    }
    if (added) {
      Fill(it->second, none, now);
      it->second.set_function_name(load.function_name);
    }
    AddLoad(it->second, load);
  }
  for (auto& [id, statistics] : functions) {
    statistics.set_function_id(id);
    *response.add_functions() = std::move(statistics);
  }
  return response;
}

void Statistics::Fill(FunctionStatistics& statistics, const Counters& counters,
                      absl::Time now) const {
  statistics.set_function_name(counters.name);
  statistics.set_invocations(counters.invocations);
  statistics.set_errors(counters.errors);
  statistics.set_cold_starts(counters.cold_starts);
  statistics.set_rejected(counters.rejected);
  for (const auto& [code, count] : counters.refusals) {
    (*statistics.mutable_refusals())[code] = count;
  }
  const CallSummary recent = counters.recent.Summarize(now);
  statistics.set_window_seconds(absl::ToDoubleSeconds(window_));
  statistics.set_window_invocations(static_cast<double>(recent.calls));
  statistics.set_window_errors(static_cast<double>(recent.errors));
  statistics.set_average(recent.average);
  statistics.set_p50(recent.p50);
  statistics.set_p95(recent.p95);
  statistics.set_p99(recent.p99);
  statistics.set_window_max_queue_depth(recent.max_queue_depth);
  auto& histogram = *statistics.mutable_duration();
  for (size_t i = 0; i < DurationBuckets::kBounds.size(); ++i) {
    histogram.add_bounds(DurationBuckets::kBounds[i]);
    histogram.add_counts(static_cast<double>(counters.duration.counts()[i]));
  }
  histogram.set_count(static_cast<double>(counters.duration.count()));
  histogram.set_sum(counters.duration.sum());
}

}  // namespace so
