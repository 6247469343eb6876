#pragma once

#include <memory>

#include "grpcpp/channel.h"
#include "rpc/calls_in_flight.h"
#include "rpc/loop.h"
#include "serverless/registry/v1/registry.grpc.pb.h"
#include "services/registry/client/code_source.h"

namespace so {

// Code fetched from the registry, within 30 s a fetch. The program keeps
// `channel` until it ends: gRPC's own threads must never drop the last
// reference (grpc/grpc#37858).
class GrpcCodeSource final : public CodeSource {
 public:
  // `loop` is borrowed.
  GrpcCodeSource(RpcLoop& loop, std::shared_ptr<grpc::Channel> channel);
  ~GrpcCodeSource() override;

  void Fetch(absl::string_view sha256, OnCode done) override;

 private:
  RpcLoop& loop_;
  const std::unique_ptr<serverless::registry::v1::RegistryFeedService::Stub>
      stub_;
  CallsInFlight calls_;
};

}  // namespace so
