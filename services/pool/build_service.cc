#include "services/pool/build_service.h"

#include <memory>
#include <utility>

#include "rpc/pending_call.h"

namespace so {

namespace pb = serverless::pool::v1;

grpc::ServerUnaryReactor* BuildService::Build(grpc::CallbackServerContext*,
                                              const pb::BuildRequest* request,
                                              pb::BuildResponse* response) {
  // Set and read on the loop thread, where a cancel comes after the start.
  auto id = std::make_shared<Builder::BuildId>(0);
  auto call = PendingCall::Start(
      [this, id] { loop_.Post([this, id] { builder_.Cancel(*id); }); });
  loop_.Post([this, call, id, request = *request, response]() mutable {
    *id = builder_.Build(
        std::move(request),
        [call, response](absl::StatusOr<pb::BuildResponse> answer) {
          if (answer.ok()) *response = *std::move(answer);
          call->Finish(answer.status());
        });
  });
  return call->reactor();
}

}  // namespace so
