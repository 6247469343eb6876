#include "services/router/router_service.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/mutex.h"
#include "rpc/pending_call.h"

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

// gRPC's deadline is a wall time; the router's clock never jumps.
absl::Time DeadlineOf(const grpc::CallbackServerContext& context) {
  const auto deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) {
    return absl::InfiniteFuture();
  }
  return absl::FromChrono(deadline);
}

// Who calls, as the gateway tells it.
std::string ClientOf(const grpc::CallbackServerContext& context) {
  constexpr size_t kMaxBytes = 256;
  const auto it = context.client_metadata().find("x-so-client");
  if (it == context.client_metadata().end()) return "";
  return std::string(it->second.data(), std::min(it->second.size(), kMaxBytes));
}

// Links a call to its ticket, in whichever order they come to be: the client
// may go away before Invoke has returned the ticket.
struct CancelLink {
  Mutex mu;
  bool cancelled ABSL_GUARDED_BY(mu) = false;
  std::shared_ptr<InvocationRouter::Ticket> ticket ABSL_GUARDED_BY(mu);
};

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
      log_(std::move(log)) {}

grpc::ServerUnaryReactor* RouterService::Invoke(
    grpc::CallbackServerContext* context, const InvokeRequest* request,
    InvokeResponse* response) {
  auto link = std::make_shared<CancelLink>();
  auto call = PendingCall::Start([this, link] {
    std::shared_ptr<InvocationRouter::Ticket> ticket;
    {
      MutexLock lock(link->mu);
      link->cancelled = true;
      ticket = link->ticket;
    }
    if (ticket != nullptr) router_.Cancel(*ticket);
  });
  auto ticket =
      router_.Invoke({.function = request->function(),
                      .event = request->event(),
                      .request_id = request->request_id(),
                      .client = ClientOf(*context),
                      .client_deadline = DeadlineOf(*context)},
                     [this, call, response](absl::StatusOr<Receipt> outcome) {
                       if (outcome.ok()) {
                         log_.Debug("invocation ended",
                                    {{"request_id", outcome->request_id()},
                                     {"function_id", outcome->function_id()},
                                     {"instance_id", outcome->instance_id()},
                                     {"cold", outcome->cold_start()},
                                     {"ms", outcome->duration()},
                                     {"error", outcome->error().code()}});
                         *response = *std::move(outcome);
                       }
                       call->Finish(outcome.status());
                     });
  bool cancelled;
  {
    MutexLock lock(link->mu);
    link->ticket = ticket;
    cancelled = link->cancelled;
  }
  if (cancelled) router_.Cancel(*ticket);
  return call->reactor();
}

grpc::ServerUnaryReactor* RouterService::ListLogs(
    grpc::CallbackServerContext* context, const ListLogsRequest* request,
    ListLogsResponse* response) {
  if (request->page_size() < 0 || request->page_size() > kMaxLogs) {
    return FinishNow(context,
                     InvalidArgument("pageSize", "must be between 1 and 1000"));
  }
  auto call = PendingCall::Start();
  directory_.Resolve(
      request->function(),
      [this, call, request, response](absl::StatusOr<FunctionPtr> function) {
        if (!function.ok()) {
          call->Finish(function.status());
          return;
        }
        const absl::Time since =
            request->has_since()
                ? absl::FromUnixSeconds(request->since().seconds()) +
                      absl::Nanoseconds(request->since().nanos())
                : absl::InfinitePast();
        const int limit =
            request->page_size() == 0 ? kDefaultLogs : request->page_size();
        response->set_function_id((*function)->id());
        for (auto& log : logs_.List((*function)->id(), request->request_id(),
                                    since, limit)) {
          *response->add_invocations() = std::move(log);
        }
        call->Finish(absl::OkStatus());
      });
  return call->reactor();
}

grpc::ServerUnaryReactor* RouterService::GetStatistics(
    grpc::CallbackServerContext* context, const GetStatisticsRequest*,
    GetStatisticsResponse* response) {
  *response = statistics_.Snapshot(dispatcher_.Loads());
  return FinishNow(context, absl::OkStatus());
}

}  // namespace so
