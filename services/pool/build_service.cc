#include "services/pool/build_service.h"

#include <memory>
#include <utility>

namespace so {

namespace pb = serverless::pool::v1;

BuildService::BuildService(Executor& loop, Builder& builder)
    : loop_(loop), builder_(builder) {
  Unary(&Generated::RequestBuild, &BuildService::Build);
}

void BuildService::Build(CallPtr<pb::BuildRequest, pb::BuildResponse> call) {
  // Set and read on the loop thread, where a cancel comes after the start.
  auto id = std::make_shared<Builder::BuildId>(0);
  loop_.Post([this, call, id] {
    *id = builder_.Build(call->request(),
                         [call](absl::StatusOr<pb::BuildResponse> answer) {
                           if (answer.ok()) {
                             call->response() = *std::move(answer);
                           }
                           call->Finish(answer.status());
                         });
  });
  call->OnCancel(
      [this, id] { loop_.Post([this, id] { builder_.Cancel(*id); }); });
}

}  // namespace so
