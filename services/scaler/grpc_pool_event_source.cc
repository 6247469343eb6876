#include "services/scaler/grpc_pool_event_source.h"

#include <utility>

#include "rpc/client_call.h"

namespace so {

using serverless::pool::v1::ListEventsRequest;
using serverless::pool::v1::PoolNodeService;

GrpcPoolEventSource::GrpcPoolEventSource(
    RpcLoop& loop, const std::vector<std::shared_ptr<grpc::Channel>>& pools,
    absl::Duration timeout)
    : loop_(loop), timeout_(timeout) {
  for (const auto& pool : pools) {
    pools_.push_back(PoolNodeService::NewStub(pool));
  }
}

void GrpcPoolEventSource::Read(size_t pool, int64_t sequence, Done done) {
  ListEventsRequest request;
  request.set_after(sequence);
  CallUnary<Events>(
      timeout_,
      [&](grpc::ClientContext* context) {
        return pools_[pool]->PrepareAsyncListEvents(context, request,
                                                    loop_.queue());
      },
      std::move(done));
}

}  // namespace so
