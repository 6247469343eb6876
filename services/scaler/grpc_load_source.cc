#include "services/scaler/grpc_load_source.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "rpc/client_call.h"

namespace so {
namespace {

using serverless::pool::v1::FunctionMetrics;
using serverless::pool::v1::GetMetricsRequest;
using serverless::pool::v1::GetMetricsResponse;
using serverless::router::v1::FunctionStatistics;
using serverless::router::v1::GetStatisticsRequest;
using serverless::router::v1::GetStatisticsResponse;

FunctionLoad ToLoad(const FunctionStatistics& statistics,
                    const FunctionMetrics& metrics) {
  FunctionLoad load;
  load.function_id = statistics.function_id();
  load.function_name = statistics.function_name();
  load.queue_depth = statistics.queue_depth();
  load.average_response = absl::Milliseconds(statistics.average());
  load.invocations = statistics.invocations();
  load.rejected = statistics.rejected();
  load.warm = metrics.warm();
  load.busy = metrics.busy();
  load.warming = metrics.warming();
  load.max_instances = metrics.max_instances();
  return load;
}

std::vector<FunctionLoad> Join(const GetStatisticsResponse& statistics,
                               const GetMetricsResponse& metrics) {
  absl::flat_hash_map<std::string, const FunctionMetrics*> by_id;
  for (const FunctionMetrics& function : metrics.metrics()) {
    by_id[function.function_id()] = &function;
  }
  std::vector<FunctionLoad> loads;
  for (const FunctionStatistics& function : statistics.functions()) {
    const auto it = by_id.find(function.function_id());
    if (it != by_id.end()) loads.push_back(ToLoad(function, *it->second));
  }
  return loads;
}

// Both halves of a reading; the answer that comes second completes it.
class Reading {
 public:
  explicit Reading(LoadSource::Done done) : done_(std::move(done)) {}

  void SetStatistics(absl::StatusOr<GetStatisticsResponse> statistics)
      ABSL_LOCKS_EXCLUDED(mu_) {
    bool complete = false;
    {
      MutexLock lock(mu_);
      statistics_ = std::move(statistics);
      complete = metrics_.has_value();
    }
    if (complete) Complete();
  }

  void SetMetrics(absl::StatusOr<GetMetricsResponse> metrics)
      ABSL_LOCKS_EXCLUDED(mu_) {
    bool complete = false;
    {
      MutexLock lock(mu_);
      metrics_ = std::move(metrics);
      complete = statistics_.has_value();
    }
    if (complete) Complete();
  }

 private:
  void Complete() ABSL_LOCKS_EXCLUDED(mu_) { done_(Result()); }

  absl::StatusOr<std::vector<FunctionLoad>> Result() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    if (!statistics_->ok()) return Unread("router", statistics_->status());
    if (!metrics_->ok()) return Unread("pool", metrics_->status());
    return Join(**statistics_, **metrics_);
  }

  static absl::Status Unread(absl::string_view service,
                             const absl::Status& status) {
    return absl::Status(status.code(), absl::StrCat("cannot read the ", service,
                                                    ": ", status.message()));
  }

  LoadSource::Done done_;
  Mutex mu_;
  std::optional<absl::StatusOr<GetStatisticsResponse>> statistics_
      ABSL_GUARDED_BY(mu_);
  std::optional<absl::StatusOr<GetMetricsResponse>> metrics_
      ABSL_GUARDED_BY(mu_);
};

}  // namespace

GrpcLoadSource::GrpcLoadSource(RpcLoop& loop,
                               const std::shared_ptr<grpc::Channel>& router,
                               const std::shared_ptr<grpc::Channel>& pool,
                               absl::Duration timeout)
    : loop_(loop),
      router_(serverless::router::v1::RouterService::NewStub(router)),
      pool_(serverless::pool::v1::PoolService::NewStub(pool)),
      timeout_(timeout) {}

void GrpcLoadSource::Read(Done done) {
  auto reading = std::make_shared<Reading>(std::move(done));
  CallUnary<GetStatisticsResponse>(
      timeout_,
      [this](grpc::ClientContext* context) {
        return router_->PrepareAsyncGetStatistics(context, {}, loop_.queue());
      },
      [reading](absl::StatusOr<GetStatisticsResponse> statistics) {
        reading->SetStatistics(std::move(statistics));
      });
  CallUnary<GetMetricsResponse>(
      timeout_,
      [this](grpc::ClientContext* context) {
        return pool_->PrepareAsyncGetMetrics(context, {}, loop_.queue());
      },
      [reading](absl::StatusOr<GetMetricsResponse> metrics) {
        reading->SetMetrics(std::move(metrics));
      });
}

}  // namespace so
