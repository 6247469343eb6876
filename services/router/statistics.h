#pragma once

#include <map>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "serverless/router/v1/router.pb.h"
#include "services/router/dispatcher.h"
#include "telemetry/call_window.h"
#include "telemetry/duration_buckets.h"

namespace so {

// Counts what becomes of invocations, per function. Thread-safe.
class Statistics {
 public:
  // `router_id` names this router and its life: counts begin with it.
  Statistics(std::string router_id, absl::Duration window, const Clock& clock)
      : router_id_(std::move(router_id)), window_(window), clock_(clock) {}

  // One call has ended. `response` is the time since it came; `outcome` is its
  // receipt or why there is none.
  void RecordCall(const serverless::function::v1::Function& function,
                  absl::Duration response,
                  const absl::StatusOr<Receipt>& outcome)
      ABSL_LOCKS_EXCLUDED(mu_);
  void RecordQueueDepth(const serverless::function::v1::Function& function,
                        int depth) ABSL_LOCKS_EXCLUDED(mu_);
  void ForgetFunction(const std::string& function_id) ABSL_LOCKS_EXCLUDED(mu_);

  // Everything counted, joined with the loads of this moment; ordered by id. A
  // function whose first call has not ended is there too.
  serverless::router::v1::GetStatisticsResponse Snapshot(
      const std::map<std::string, Dispatcher::Load>& loads) const
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Counters {
    explicit Counters(absl::Duration window) : recent(window) {}

    std::string name;
    double invocations = 0;
    double errors = 0;
    double cold_starts = 0;
    double rejected = 0;
    // By code of the error.
    std::map<std::string, double> refusals;
    CallWindow recent;
    DurationBuckets duration;
  };

  Counters& Of(const serverless::function::v1::Function& function)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  void Fill(serverless::router::v1::FunctionStatistics& statistics,
            const Counters& counters, absl::Time now) const;

  const std::string router_id_;
  const absl::Duration window_;
  const Clock& clock_;
  mutable Mutex mu_;
  std::map<std::string, Counters> functions_ ABSL_GUARDED_BY(mu_);
};

}  // namespace so
