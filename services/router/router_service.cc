#include "services/router/router_service.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "base/error.h"

namespace so {

using serverless::router::v1::GetStatisticsRequest;
using serverless::router::v1::GetStatisticsResponse;
using serverless::router::v1::InvokeRequest;
using serverless::router::v1::InvokeResponse;
using serverless::router::v1::ListLogsRequest;
using serverless::router::v1::ListLogsResponse;

namespace {

constexpr int kDefaultLogs = 100;
constexpr int kMaxLogs = 1000;

// Who calls, as the gateway tells it.
std::string ClientOf(const CallPtr<InvokeRequest, InvokeResponse>& call) {
  constexpr size_t kMaxBytes = 256;
  return call->metadata("x-so-client").substr(0, kMaxBytes);
}

}  // namespace

RouterService::RouterService(InvocationRouter& router,
                             FunctionDirectory& directory,
                             Dispatcher& dispatcher, Statistics& statistics,
                             LogStore& logs, Logger log)
    : router_(router),
      directory_(directory),
      dispatcher_(dispatcher),
      statistics_(statistics),
      logs_(logs),
      log_(std::move(log)) {
  Unary(&Generated::RequestInvoke, &RouterService::Invoke);
  Unary(&Generated::RequestListLogs, &RouterService::ListLogs);
  Unary(&Generated::RequestGetStatistics, &RouterService::GetStatistics);
}

void RouterService::Invoke(CallPtr<InvokeRequest, InvokeResponse> call) {
  const InvokeRequest& request = call->request();
  auto ticket =
      router_.Invoke({.function = request.function(),
                      .event = request.event(),
                      .request_id = request.request_id(),
                      .client = ClientOf(call),
                      .idempotency_key = request.idempotency_key(),
                      .client_deadline = call->deadline()},
                     [this, call](absl::StatusOr<Receipt> outcome) {
                       if (outcome.ok()) {
                         log_.Debug("invocation ended",
                                    {{"request_id", outcome->request_id()},
                                     {"function_id", outcome->function_id()},
                                     {"instance_id", outcome->instance_id()},
                                     {"cold", outcome->cold_start()},
                                     {"ms", outcome->duration()},
                                     {"error", outcome->error().code()}});
                         call->response() = *std::move(outcome);
                       }
                       call->Finish(outcome.status());
                     });
  call->OnCancel([this, ticket] { router_.Cancel(*ticket); });
}

void RouterService::ListLogs(CallPtr<ListLogsRequest, ListLogsResponse> call) {
  const int page_size = call->request().page_size();
  if (page_size < 0 || page_size > kMaxLogs) {
    call->Finish(InvalidArgument("pageSize", "must be between 1 and 1000"));
    return;
  }
  directory_.Resolve(
      call->request().function(),
      [this, call](absl::StatusOr<FunctionPtr> function) {
        if (!function.ok()) {
          call->Finish(function.status());
          return;
        }
        const ListLogsRequest& request = call->request();
        const absl::Time since =
            request.has_since()
                ? absl::FromUnixSeconds(request.since().seconds()) +
                      absl::Nanoseconds(request.since().nanos())
                : absl::InfinitePast();
        const int limit =
            request.page_size() == 0 ? kDefaultLogs : request.page_size();
        ListLogsResponse& response = call->response();
        response.set_function_id((*function)->id());
        for (auto& log : logs_.List((*function)->id(), request.request_id(),
                                    since, limit)) {
          *response.add_invocations() = std::move(log);
        }
        call->Finish(absl::OkStatus());
      });
}

void RouterService::GetStatistics(
    CallPtr<GetStatisticsRequest, GetStatisticsResponse> call) {
  call->response() = statistics_.Snapshot(dispatcher_.Loads());
  call->Finish(absl::OkStatus());
}

}  // namespace so
