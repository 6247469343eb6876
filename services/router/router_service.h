#pragma once

#include "base/log.h"
#include "rpc/service.h"
#include "serverless/router/v1/router.grpc.pb.h"
#include "services/router/invocation_router.h"

namespace so {

// RouterService over gRPC: translates, decides nothing. Everything is borrowed.
class RouterService final
    : public Service<serverless::router::v1::RouterService> {
 public:
  RouterService(InvocationRouter& router, FunctionDirectory& directory,
                Dispatcher& dispatcher, Statistics& statistics, LogStore& logs,
                Logger log);

 private:
  void Invoke(CallPtr<serverless::router::v1::InvokeRequest,
                      serverless::router::v1::InvokeResponse>
                  call);
  void InvokeStreaming(
      WriterPtr<serverless::router::v1::InvokeRequest,
                serverless::router::v1::InvokeStreamingResponse>
          writer);
  void ListLogs(CallPtr<serverless::router::v1::ListLogsRequest,
                        serverless::router::v1::ListLogsResponse>
                    call);
  void GetStatistics(CallPtr<serverless::router::v1::GetStatisticsRequest,
                             serverless::router::v1::GetStatisticsResponse>
                         call);

  void LogEnd(const Receipt& receipt) const;

  InvocationRouter& router_;
  FunctionDirectory& directory_;
  Dispatcher& dispatcher_;
  Statistics& statistics_;
  LogStore& logs_;
  const Logger log_;
};

}  // namespace so
