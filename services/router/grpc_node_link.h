#pragma once

#include <memory>
#include <string>

#include "base/backoff.h"
#include "base/mutex.h"
#include "base/timers.h"
#include "grpcpp/channel.h"
#include "rpc/client_stream.h"
#include "rpc/loop.h"
#include "serverless/pool/v1/pool.grpc.pb.h"
#include "services/router/node_link.h"

namespace so {

// Keeps one PoolNodeService.Attach stream open, reconnecting for as long as it
// lives. Thread-safe.
class GrpcNodeLink final : public NodeLink {
 public:
  // `loop` and `timers` are borrowed.
  GrpcNodeLink(RpcLoop& loop, std::shared_ptr<grpc::Channel> channel,
               std::string router_id, Timers& timers);
  // Precondition: Stop() was called, or Connect() never was.
  ~GrpcNodeLink() override = default;

  // Begins to connect. `listener` is borrowed until Stop() has returned.
  void Connect(Listener& listener) ABSL_LOCKS_EXCLUDED(mu_);

  // Ends the stream, and waits until the listener will not be called again.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

  void Start(serverless::pool::v1::StartInstance start) override;
  void Dispatch(serverless::pool::v1::Dispatch dispatch) override;
  void SendEvent(serverless::pool::v1::EventPart part) override;
  void Cancel(serverless::pool::v1::Cancel cancel) override;
  void Grant(serverless::pool::v1::Credit credit) override;

 private:
  using Stream = ClientStream<serverless::pool::v1::AttachRequest,
                              serverless::pool::v1::AttachResponse>;

  void Open() ABSL_LOCKS_EXCLUDED(mu_);
  void Send(serverless::pool::v1::AttachRequest request)
      ABSL_LOCKS_EXCLUDED(mu_);
  void OnMessage(serverless::pool::v1::AttachResponse response)
      ABSL_LOCKS_EXCLUDED(mu_);
  void OnEnd() ABSL_LOCKS_EXCLUDED(mu_);

  RpcLoop& loop_;
  const std::unique_ptr<serverless::pool::v1::PoolNodeService::Stub> stub_;
  const std::string router_id_;
  Timers& timers_;
  Listener* listener_ = nullptr;

  Mutex mu_;
  CondVar ended_;
  std::shared_ptr<Stream> stream_ ABSL_GUARDED_BY(mu_);
  Backoff backoff_ ABSL_GUARDED_BY(mu_);
  bool greeted_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace so
