#pragma once

#include <memory>

#include "base/backoff.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/timers.h"
#include "rpc/client_stream.h"
#include "serverless/registry/v1/registry.grpc.pb.h"
#include "services/registry/client/function_cache.h"

namespace so {

// Keeps a FunctionCache in step with the registry: one Watch stream at a time,
// opened again, from where the cache is, whenever it breaks. Thread-safe.
class GrpcFunctionWatch
    : public std::enable_shared_from_this<GrpcFunctionWatch> {
 public:
  using Stub = serverless::registry::v1::RegistryFeedService::Stub;

  // All borrowed until Stop has returned.
  GrpcFunctionWatch(RpcLoop& loop, Stub& stub, Timers& timers,
                    FunctionCache& cache);

  // Called once.
  void Start();
  // Ends the stream for good; the cache is not touched once this has returned.
  // Must not be called by a listener of the cache.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using WatchResponse = serverless::registry::v1::WatchResponse;
  using Reader = ClientReader<WatchResponse>;

  void Connect() ABSL_LOCKS_EXCLUDED(mu_);
  std::shared_ptr<Reader> OpenStream();
  void OnMessage(const WatchResponse& message) ABSL_LOCKS_EXCLUDED(mu_);
  void OnEnd(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);

  RpcLoop& loop_;
  Stub& stub_;
  Timers& timers_;
  FunctionCache& cache_;
  const Logger log_{"REGISTRY"};

  Mutex mu_;
  CondVar stream_ended_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  // A stream has been opened and has not ended.
  bool streaming_ ABSL_GUARDED_BY(mu_) = false;
  // Whether the loss of the connection has been logged.
  bool lost_ ABSL_GUARDED_BY(mu_) = false;
  int64_t attempt_ ABSL_GUARDED_BY(mu_) = 0;
  std::shared_ptr<Reader> reader_ ABSL_GUARDED_BY(mu_);
  TimerId retry_ ABSL_GUARDED_BY(mu_) = 0;
  Backoff backoff_ ABSL_GUARDED_BY(mu_);
};

}  // namespace so
