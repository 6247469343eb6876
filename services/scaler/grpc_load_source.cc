#include "services/scaler/grpc_load_source.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "rpc/client_call.h"
#include "services/scaler/load_join.h"

namespace so {
namespace {

using serverless::pool::v1::GetMetricsRequest;
using serverless::pool::v1::GetMetricsResponse;
using serverless::router::v1::GetStatisticsRequest;
using serverless::router::v1::GetStatisticsResponse;

// All parts of a reading; the answer that comes last completes it.
class Reading {
 public:
  Reading(size_t pools, LoadSource::Done done)
      : done_(std::move(done)), missing_(pools + 1), pools_(pools) {}

  void SetStatistics(absl::StatusOr<GetStatisticsResponse> statistics)
      ABSL_LOCKS_EXCLUDED(mu_) {
    bool complete = false;
    {
      MutexLock lock(mu_);
      if (statistics.ok()) {
        statistics_ = *std::move(statistics);
      } else {
        router_status_ = Unread("router", statistics.status());
      }
      complete = --missing_ == 0;
    }
    if (complete) Complete();
  }

  void SetMetrics(size_t pool, absl::StatusOr<GetMetricsResponse> metrics)
      ABSL_LOCKS_EXCLUDED(mu_) {
    bool complete = false;
    {
      MutexLock lock(mu_);
      if (metrics.ok()) {
        pools_[pool] = *std::move(metrics);
        a_pool_answered_ = true;
      } else {
        pool_status_ = Unread("pool", metrics.status());
      }
      complete = --missing_ == 0;
    }
    if (complete) Complete();
  }

 private:
  void Complete() ABSL_LOCKS_EXCLUDED(mu_) { done_(Result()); }

  absl::StatusOr<LoadReading> Result() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    if (!router_status_.ok()) return router_status_;
    if (!a_pool_answered_) return pool_status_;
    return JoinLoad(statistics_, pools_);
  }

  static absl::Status Unread(absl::string_view service,
                             const absl::Status& status) {
    return absl::Status(status.code(), absl::StrCat("cannot read the ", service,
                                                    ": ", status.message()));
  }

  LoadSource::Done done_;
  Mutex mu_;
  size_t missing_ ABSL_GUARDED_BY(mu_);
  absl::Status router_status_ ABSL_GUARDED_BY(mu_);
  absl::Status pool_status_ ABSL_GUARDED_BY(mu_);
  bool a_pool_answered_ ABSL_GUARDED_BY(mu_) = false;
  GetStatisticsResponse statistics_ ABSL_GUARDED_BY(mu_);
  std::vector<std::optional<GetMetricsResponse>> pools_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

GrpcLoadSource::GrpcLoadSource(
    RpcLoop& loop, const std::shared_ptr<grpc::Channel>& router,
    const std::vector<std::shared_ptr<grpc::Channel>>& pools,
    absl::Duration timeout)
    : loop_(loop),
      router_(serverless::router::v1::RouterService::NewStub(router)),
      timeout_(timeout) {
  for (const auto& pool : pools) {
    pools_.push_back(serverless::pool::v1::PoolService::NewStub(pool));
  }
}

void GrpcLoadSource::Read(Done done) {
  auto reading = std::make_shared<Reading>(pools_.size(), std::move(done));
  CallUnary<GetStatisticsResponse>(
      timeout_,
      [this](grpc::ClientContext* context) {
        return router_->PrepareAsyncGetStatistics(context, {}, loop_.queue());
      },
      [reading](absl::StatusOr<GetStatisticsResponse> statistics) {
        reading->SetStatistics(std::move(statistics));
      });
  for (size_t i = 0; i < pools_.size(); ++i) {
    CallUnary<GetMetricsResponse>(
        timeout_,
        [this, i](grpc::ClientContext* context) {
          return pools_[i]->PrepareAsyncGetMetrics(context, {}, loop_.queue());
        },
        [reading, i](absl::StatusOr<GetMetricsResponse> metrics) {
          reading->SetMetrics(i, std::move(metrics));
        });
  }
}

}  // namespace so
