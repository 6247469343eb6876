#include "services/scaler/grpc_invocation_logs.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "rpc/client_call.h"

namespace so {

using serverless::router::v1::ListLogsRequest;
using serverless::router::v1::ListLogsResponse;
using serverless::router::v1::RouterService;

GrpcInvocationLogs::GrpcInvocationLogs(
    RpcLoop& loop, const std::shared_ptr<grpc::Channel>& router,
    absl::Duration timeout)
    : loop_(loop), router_(RouterService::NewStub(router)), timeout_(timeout) {}

void GrpcInvocationLogs::Find(const std::string& function_id,
                              const std::string& request_id, Done done) {
  ListLogsRequest request;
  request.set_function(function_id);
  request.set_request_id(request_id);
  request.set_page_size(1);
  CallUnary<ListLogsResponse>(
      timeout_,
      [&](grpc::ClientContext* context) {
        return router_->PrepareAsyncListLogs(context, request, loop_.queue());
      },
      [request_id,
       done = std::move(done)](absl::StatusOr<ListLogsResponse> logs) mutable {
        if (!logs.ok()) return done(logs.status());
        if (logs->invocations().empty()) {
          return done(absl::NotFoundError(absl::StrCat(
              "the router has no logs (any more) of a call ", request_id)));
        }
        done(std::move(*logs->mutable_invocations(0)));
      });
}

}  // namespace so
