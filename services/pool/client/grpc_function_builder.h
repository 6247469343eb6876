#pragma once

#include <memory>

#include "grpcpp/channel.h"
#include "rpc/calls_in_flight.h"
#include "rpc/loop.h"
#include "serverless/pool/v1/build.grpc.pb.h"
#include "services/pool/client/function_builder.h"

namespace so {

// The pool's BuildService. Waits a few seconds for a pool that is not there,
// in case it is only being restarted, and three minutes for its answer. No
// callback runs after the destructor has returned. The program keeps `channel`
// until it ends: gRPC's own threads must never drop the last reference
// (grpc/grpc#37858).
class GrpcFunctionBuilder final : public FunctionBuilder {
 public:
  // `loop` is borrowed.
  GrpcFunctionBuilder(RpcLoop& loop, std::shared_ptr<grpc::Channel> channel);
  ~GrpcFunctionBuilder() override;

  void Build(serverless::pool::v1::BuildRequest request,
             std::shared_ptr<Cancellation> caller, OnBuilt done) override;

 private:
  // How a call waits for the pool.
  struct Patience {
    absl::Duration deadline;
    bool wait_for_pool = false;
  };

  void Call(serverless::pool::v1::BuildRequest request, Patience patience,
            std::shared_ptr<Cancellation> caller, OnBuilt done);

  RpcLoop& loop_;
  const std::unique_ptr<serverless::pool::v1::BuildService::Stub> stub_;
  CallsInFlight calls_;
};

}  // namespace so
