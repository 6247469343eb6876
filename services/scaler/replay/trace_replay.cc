#include "services/scaler/replay/trace_replay.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "services/scaler/replay/name_random.h"

namespace so {
namespace {

void Add(const FunctionResult& result, FunctionResult& total) {
  total.calls += result.calls;
  total.cold += result.cold;
  total.started_ahead += result.started_ahead;
  total.evictions += result.evictions;
  total.flaps += result.flaps;
  total.idle_gb_seconds += result.idle_gb_seconds;
  total.busy_gb_seconds += result.busy_gb_seconds;
}

double ShareOfThreeQuarters(std::vector<double> shares) {
  if (shares.empty()) return 0;
  const auto at = shares.begin() + (shares.size() * 3 - 1) / 4;
  std::nth_element(shares.begin(), at, shares.end());
  return *at;
}

}  // namespace

ReplayResult Replay(const Trace& trace, const KeepAlivePolicy& policy,
                    const ReplayOptions& options, int threads) {
  std::vector<FunctionResult> results(trace.functions.size());
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i = next++; i < results.size(); i = next++) {
      results[i] =
          FunctionReplay(trace.functions[i], trace.length(), policy, options)
              .Run();
    }
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();

  ReplayResult replay = {.policy = policy.name(),
                         .cold_start = options.cold_start};
  std::vector<double> shares;
  for (const FunctionResult& result : results) {
    Add(result, replay.total);
    if (result.calls == 0) continue;
    ++replay.functions;
    shares.push_back(static_cast<double>(result.cold) /
                     static_cast<double>(result.calls));
  }
  replay.cold_share_p75 = ShareOfThreeQuarters(std::move(shares));
  return replay;
}

Trace HalfOf(const Trace& trace, bool odd, uint64_t seed) {
  Trace half = {.minutes = trace.minutes};
  for (const TraceFunction& function : trace.functions) {
    const uint64_t number = RandomOf(function.name, seed)();
    if ((number & 1) == (odd ? 1 : 0)) half.functions.push_back(function);
  }
  return half;
}

}  // namespace so
