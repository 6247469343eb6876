#pragma once

#include <memory>

#include "grpcpp/channel.h"
#include "rpc/calls_in_flight.h"
#include "serverless/pool/v1/build.grpc.pb.h"
#include "services/pool/client/function_builder.h"

namespace so {

// The pool's BuildService. Fails at once when the pool is down, and after
// three minutes at the latest. No callback runs after the destructor has
// returned. The program keeps `channel` until it ends: gRPC's own threads must
// never drop the last reference (grpc/grpc#37858).
class GrpcFunctionBuilder final : public FunctionBuilder {
 public:
  explicit GrpcFunctionBuilder(std::shared_ptr<grpc::Channel> channel);
  ~GrpcFunctionBuilder() override;

  void Build(serverless::pool::v1::BuildRequest request,
             std::shared_ptr<Cancellation> caller, OnBuilt done) override;

 private:
  const std::unique_ptr<serverless::pool::v1::BuildService::Stub> stub_;
  CallsInFlight calls_;
};

}  // namespace so
