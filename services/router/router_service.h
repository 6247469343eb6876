#pragma once

#include "base/log.h"
#include "serverless/router/v1/router.grpc.pb.h"
#include "services/router/invocation_router.h"

namespace so {

// RouterService over gRPC: translates, decides nothing. Everything is borrowed.
class RouterService final
    : public serverless::router::v1::RouterService::CallbackService {
 public:
  RouterService(InvocationRouter& router, FunctionDirectory& directory,
                Dispatcher& dispatcher, Statistics& statistics, LogStore& logs,
                Logger log);

  grpc::ServerUnaryReactor* Invoke(
      grpc::CallbackServerContext* context,
      const serverless::router::v1::InvokeRequest* request,
      serverless::router::v1::InvokeResponse* response) override;
  grpc::ServerUnaryReactor* ListLogs(
      grpc::CallbackServerContext* context,
      const serverless::router::v1::ListLogsRequest* request,
      serverless::router::v1::ListLogsResponse* response) override;
  grpc::ServerUnaryReactor* GetStatistics(
      grpc::CallbackServerContext* context,
      const serverless::router::v1::GetStatisticsRequest* request,
      serverless::router::v1::GetStatisticsResponse* response) override;

 private:
  InvocationRouter& router_;
  FunctionDirectory& directory_;
  Dispatcher& dispatcher_;
  Statistics& statistics_;
  LogStore& logs_;
  const Logger log_;
};

}  // namespace so
