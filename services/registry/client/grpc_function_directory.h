#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/timers.h"
#include "grpcpp/channel.h"
#include "rpc/calls_in_flight.h"
#include "rpc/loop.h"
#include "serverless/registry/v1/registry.grpc.pb.h"
#include "services/registry/client/function_cache.h"
#include "services/registry/client/function_directory.h"
#include "services/registry/client/grpc_function_watch.h"

namespace so {

// The directory of a service that talks to the registry over gRPC: follows its
// feed, and asks it for what the feed does not carry. Only the registry itself
// says NOT_FOUND: a name that is unknown here while the registry is away is
// UNAVAILABLE.
//
//   GrpcFunctionDirectory directory(loop, MakeChannel(address), timers);
//   directory.Resolve("hello", [](absl::StatusOr<FunctionPtr> f) {...});
//
// No callback runs after the destructor has returned; the destructor must not
// run in one. `loop` and `timers` must outlive the directory, and the program
// keeps `channel` until it ends: gRPC's own threads must never drop the last
// reference (grpc/grpc#37858).
class GrpcFunctionDirectory final : public FunctionDirectory {
 public:
  GrpcFunctionDirectory(RpcLoop& loop, std::shared_ptr<grpc::Channel> channel,
                        Timers& timers);
  ~GrpcFunctionDirectory() override;

  void Resolve(
      absl::string_view reference,
      absl::AnyInvocable<void(absl::StatusOr<FunctionPtr>)> done) override;
  FunctionPtr Find(absl::string_view function_id) const override;
  std::vector<FunctionPtr> List() const override;
  void Subscribe(Listener& listener) override;
  bool synced() const override;

 private:
  using Stub = serverless::registry::v1::RegistryFeedService::Stub;

  void AskRegistry(const FunctionReference& reference, absl::string_view text,
                   absl::AnyInvocable<void(absl::StatusOr<FunctionPtr>)> done);

  RpcLoop& loop_;
  const std::unique_ptr<Stub> stub_;
  FunctionCache cache_;
  CallsInFlight calls_;
  const std::shared_ptr<GrpcFunctionWatch> watch_;
};

}  // namespace so
