#include "services/router/router_service.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "base/error.h"
#include "services/router/answer_stream.h"

namespace so {

using serverless::router::v1::GetStatisticsRequest;
using serverless::router::v1::GetStatisticsResponse;
using serverless::router::v1::InvokeRequest;
using serverless::router::v1::InvokeResponse;
using serverless::router::v1::InvokeStreamingResponse;
using serverless::router::v1::ListLogsRequest;
using serverless::router::v1::ListLogsResponse;

namespace {

constexpr int kDefaultLogs = 100;
constexpr int kMaxLogs = 1000;

// Who calls, as the gateway tells it.
template <typename Call>
std::string ClientOf(const Call& call) {
  constexpr size_t kMaxBytes = 256;
  return call.metadata("x-so-client").substr(0, kMaxBytes);
}

// The client's end of a streamed answer.
class StreamClient final : public AnswerStream::Client {
 public:
  using Writer = WriterPtr<InvokeRequest, InvokeStreamingResponse>;

  explicit StreamClient(Writer writer) : writer_(std::move(writer)) {}
  bool Write(const InvokeStreamingResponse& message) override {
    return writer_->Write(message);
  }
  void Finish(const absl::Status& status) override { writer_->Finish(status); }

 private:
  const Writer writer_;
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
      log_(std::move(log)) {
  Unary(&Generated::RequestInvoke, &RouterService::Invoke);
  Writer(&Generated::RequestInvokeStreaming, &RouterService::InvokeStreaming);
  Unary(&Generated::RequestListLogs, &RouterService::ListLogs);
  Unary(&Generated::RequestGetStatistics, &RouterService::GetStatistics);
}

void RouterService::Invoke(CallPtr<InvokeRequest, InvokeResponse> call) {
  InvokeRequest request = call->TakeRequest();
  auto ticket = router_.Invoke(
      {.function = std::move(*request.mutable_function()),
       .event = std::move(*request.mutable_event()),
       .request_id = std::move(*request.mutable_request_id()),
       .client = ClientOf(*call),
       .idempotency_key = std::move(*request.mutable_idempotency_key()),
       .client_deadline = call->deadline()},
      [this, call](absl::StatusOr<Receipt> outcome) {
        if (outcome.ok()) {
          LogEnd(*outcome);
          call->response() = *std::move(outcome);
        }
        call->Finish(outcome.status());
      });
  call->OnCancel([this, ticket] { router_.Cancel(*ticket); });
}

void RouterService::InvokeStreaming(
    WriterPtr<InvokeRequest, InvokeStreamingResponse> writer) {
  InvokeRequest request = writer->TakeRequest();
  auto answer = std::make_shared<AnswerStream>(
      std::make_unique<StreamClient>(writer),
      [this](serverless::pool::v1::Credit credit) {
        dispatcher_.Grant(std::move(credit));
      });
  // Set and read on the loop.
  auto ticket = std::make_shared<std::shared_ptr<InvocationRouter::Ticket>>();
  writer->Start([answer](bool ok) { answer->OnWritten(ok); },
                [this, answer, ticket] {
                  if (answer->OnClientGone() && *ticket != nullptr) {
                    router_.Cancel(**ticket);
                  }
                });
  if (!request.idempotency_key().empty()) {
    answer->OnDone(InvalidArgument("idempotencyKey",
                                   "cannot be given with a streamed answer"));
    return;
  }
  *ticket =
      router_.Invoke({.function = std::move(*request.mutable_function()),
                      .event = std::move(*request.mutable_event()),
                      .request_id = std::move(*request.mutable_request_id()),
                      .client = ClientOf(*writer),
                      .client_deadline = writer->deadline(),
                      .on_part =
                          [answer](serverless::pool::v1::ResponsePart part) {
                            answer->OnPart(std::move(part));
                          }},
                     [this, answer](absl::StatusOr<Receipt> outcome) {
                       if (outcome.ok()) LogEnd(*outcome);
                       answer->OnDone(std::move(outcome));
                     });
}

void RouterService::LogEnd(const Receipt& receipt) const {
  log_.Debug("invocation ended", {{"request_id", receipt.request_id()},
                                  {"function_id", receipt.function_id()},
                                  {"instance_id", receipt.instance_id()},
                                  {"cold", receipt.cold_start()},
                                  {"ms", receipt.duration()},
                                  {"error", receipt.error().code()}});
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
