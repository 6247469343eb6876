#include "services/scaler/grpc_target_sink.h"

#include <algorithm>
#include <utility>

#include "rpc/client_call.h"

namespace so {
namespace {

using serverless::pool::v1::PoolNodeService;
using serverless::pool::v1::SetTargetRequest;
using serverless::pool::v1::SetTargetResponse;

// What the pool accepts.
constexpr int kMaxDesired = 1000;
constexpr absl::Duration kMaxTtl = absl::Minutes(10);

}  // namespace

GrpcTargetSink::GrpcTargetSink(RpcLoop& loop,
                               const std::shared_ptr<grpc::Channel>& pool,
                               absl::Duration timeout)
    : loop_(loop), pool_(PoolNodeService::NewStub(pool)), timeout_(timeout) {}

void GrpcTargetSink::SetTarget(const std::string& function_id, int desired,
                               absl::Duration ttl, Done done) {
  SetTargetRequest request;
  request.set_function_id(function_id);
  request.set_desired(std::min(desired, kMaxDesired));
  request.set_ttl(
      static_cast<int>(absl::ToInt64Milliseconds(std::min(ttl, kMaxTtl))));
  CallUnary<SetTargetResponse>(
      timeout_,
      [this, &request](grpc::ClientContext* context) {
        return pool_->PrepareAsyncSetTarget(context, request, loop_.queue());
      },
      [done = std::move(done)](
          const absl::StatusOr<SetTargetResponse>& response) mutable {
        done(response.status());
      });
}

}  // namespace so
