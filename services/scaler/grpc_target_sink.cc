#include "services/scaler/grpc_target_sink.h"

#include <algorithm>
#include <utility>

#include "base/mutex.h"
#include "rpc/client_call.h"
#include "services/scaler/target_split.h"

namespace so {
namespace {

using serverless::pool::v1::PoolNodeService;
using serverless::pool::v1::SetTargetRequest;
using serverless::pool::v1::SetTargetResponse;

// What the pool accepts.
constexpr int kMaxDesired = 1000;
constexpr absl::Duration kMaxTtl = absl::Minutes(10);
constexpr absl::Duration kMaxIdleTimeout = absl::Hours(24);
constexpr size_t kMaxReasonBytes = 64;

int ToMilliseconds(absl::Duration duration, absl::Duration most) {
  return static_cast<int>(std::max<int64_t>(
      absl::ToInt64Milliseconds(std::min(duration, most)), 1));
}

SetTargetRequest RequestFor(const Target& target, int share) {
  SetTargetRequest request;
  request.set_function_id(target.function_id);
  request.set_desired(std::min(share, kMaxDesired));
  request.set_ttl(ToMilliseconds(target.ttl, kMaxTtl));
  if (target.idle_timeout.has_value()) {
    request.set_idle_timeout(
        ToMilliseconds(*target.idle_timeout, kMaxIdleTimeout));
  }
  request.set_reason(target.reason.substr(0, kMaxReasonBytes));
  return request;
}

// The answers of several pools; the last one completes it, the first failure
// decides.
class Answers {
 public:
  Answers(size_t count, TargetSink::Done done)
      : done_(std::move(done)), missing_(count) {}

  void Add(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::Status result;
    {
      MutexLock lock(mu_);
      status_.Update(status);
      if (--missing_ > 0) return;
      result = status_;
    }
    done_(result);
  }

 private:
  TargetSink::Done done_;
  Mutex mu_;
  size_t missing_ ABSL_GUARDED_BY(mu_);
  absl::Status status_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

GrpcTargetSink::GrpcTargetSink(
    RpcLoop& loop, const std::vector<std::shared_ptr<grpc::Channel>>& pools,
    absl::Duration timeout)
    : loop_(loop), timeout_(timeout) {
  for (const auto& pool : pools) {
    pools_.push_back(PoolNodeService::NewStub(pool));
  }
}

void GrpcTargetSink::SetTarget(const Target& target, Done done) {
  std::vector<int> current = target.by_pool;
  current.resize(pools_.size(), 0);
  const std::vector<int> shares = SplitTarget(target.desired, current);
  std::vector<size_t> asked;
  for (size_t i = 0; i < pools_.size(); ++i) {
    if (current[i] >= 0) asked.push_back(i);
  }
  if (asked.empty()) return done(absl::UnavailableError("no pool answers"));
  auto answers = std::make_shared<Answers>(asked.size(), std::move(done));
  for (const size_t i : asked) {
    const SetTargetRequest request = RequestFor(target, shares[i]);
    CallUnary<SetTargetResponse>(
        timeout_,
        [this, i, &request](grpc::ClientContext* context) {
          return pools_[i]->PrepareAsyncSetTarget(context, request,
                                                  loop_.queue());
        },
        [answers](const absl::StatusOr<SetTargetResponse>& response) {
          answers->Add(response.status());
        });
  }
}

}  // namespace so
