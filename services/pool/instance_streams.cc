// Answers that are passed on while the function writes them.
#include <utility>

#include "base/status_macros.h"
#include "services/pool/instance.h"

namespace so {
namespace {

namespace pb = serverless::pool::v1;

}  // namespace

absl::Status Instance::HandleHead(RunningCall& call,
                                  absl::string_view payload) {
  if (!call.stream || call.head) {
    return absl::InvalidArgumentError("a head that is not expected");
  }
  SO_ASSIGN_OR_RETURN(call.head, ParseHead(payload));
  pb::ResponsePart part;
  *part.mutable_head() = *call.head;
  Pass(call, std::move(part));
  return absl::OkStatus();
}

absl::Status Instance::HandleData(RunningCall& call,
                                  absl::string_view payload) {
  if (!call.head || payload.empty() || payload.size() > kMaxPieceBytes) {
    return absl::InvalidArgumentError("data that is not expected");
  }
  const auto bytes = static_cast<int64_t>(payload.size());
  if (bytes > call.credit) {
    return absl::InvalidArgumentError("more data than there is credit for");
  }
  call.credit -= bytes;
  if (call.router == 0) {
    GiveCredit(call, static_cast<int32_t>(bytes));
    return absl::OkStatus();
  }
  if (call.unsent.size() + payload.size() > kMaxPieceBytes) PassData(call);
  call.unsent.append(payload.data(), payload.size());
  return absl::OkStatus();
}

absl::Status Instance::HandleEnd(RunningCall& call, absl::string_view payload) {
  if (!call.head || !payload.empty()) {
    return absl::InvalidArgumentError("an end that is not expected");
  }
  pb::Result result = MakeResult(call);
  result.set_status_code(call.head->status_code());
  result.mutable_headers()->swap(*call.head->mutable_headers());
  Finish(call, std::move(result));
  return absl::OkStatus();
}

void Instance::PassData(RunningCall& call) {
  if (call.unsent.empty()) return;
  pb::ResponsePart part;
  part.set_data(std::exchange(call.unsent, {}));
  Pass(call, std::move(part));
}

void Instance::Pass(RunningCall& call, pb::ResponsePart part) {
  part.set_dispatch_id(call.dispatch_id);
  part.set_instance_id(id_);
  owner_.OnPart(*this, call, std::move(part));
}

void Instance::Grant(RouterId router, const pb::Credit& credit) {
  RunningCall* call = FindCall(router, credit.dispatch_id());
  if (call == nullptr || !call->stream || call->answer) return;
  if (credit.bytes() <= 0) return;
  GiveCredit(*call, credit.bytes());
}

void Instance::GiveCredit(RunningCall& call, int32_t bytes) {
  call.credit += bytes;
  process_->Send(
      EncodeFrame(FrameType::kCredit, call.nonce, CreditPayload(bytes)));
}

void Instance::ForgetRouter(RouterId router) {
  for (const auto& call : calls_) {
    if (call->router != router) continue;
    call->router = 0;
    call->unsent.clear();
    const auto used = static_cast<int32_t>(kStreamWindowBytes - call->credit);
    if (call->stream && used > 0) GiveCredit(*call, used);
  }
}

}  // namespace so
