#include "services/pool/result_parts.h"

#include <algorithm>

namespace so {

namespace pb = serverless::pool::v1;

void ResultParts::Add(RouterId router, pb::Result result) {
  if (result.body().size() <= kMaxPieceBytes) {
    pb::AttachResponse message;
    *message.mutable_result() = std::move(result);
    return send_(router, std::move(message));
  }
  Leaving leaving;
  leaving.body = std::move(*result.mutable_body());
  leaving.result = std::move(result);
  leaving.result.clear_body();
  leaving.result.set_body_in_parts(true);
  const Key key{router, leaving.result.dispatch_id()};
  if (!Advance(router, leaving)) leaving_.emplace(key, std::move(leaving));
}

bool ResultParts::Advance(RouterId router, Leaving& leaving) {
  const std::string& body = leaving.body;
  while (leaving.sent < body.size()) {
    const size_t bytes = std::min(body.size() - leaving.sent, kMaxPieceBytes);
    // Whole pieces only: what is left of a credit comes with the next.
    if (static_cast<int64_t>(bytes) > leaving.credit) return false;
    pb::AttachResponse message;
    pb::ResponsePart& part = *message.mutable_part();
    part.set_dispatch_id(leaving.result.dispatch_id());
    part.set_instance_id(leaving.result.instance_id());
    part.set_data(body.data() + leaving.sent, bytes);
    part.set_body_bytes(static_cast<int32_t>(body.size()));
    leaving.sent += bytes;
    leaving.credit -= static_cast<int64_t>(bytes);
    send_(router, std::move(message));
  }
  pb::AttachResponse message;
  *message.mutable_result() = std::move(leaving.result);
  send_(router, std::move(message));
  return true;
}

bool ResultParts::Grant(RouterId router, const pb::Credit& credit) {
  const auto it = leaving_.find({router, credit.dispatch_id()});
  if (it == leaving_.end()) return false;
  if (credit.bytes() > 0) it->second.credit += credit.bytes();
  if (Advance(router, it->second)) leaving_.erase(it);
  return true;
}

void ResultParts::InstanceEnds(absl::string_view instance_id) {
  for (auto& [key, leaving] : leaving_) {
    if (leaving.result.instance_id() == instance_id) {
      leaving.result.set_instance_free(false);
    }
  }
}

void ResultParts::Flush(RouterId router) {
  for (auto& [key, leaving] : leaving_) {
    if (key.first != router) continue;
    leaving.credit = static_cast<int64_t>(leaving.body.size());
    Advance(router, leaving);
  }
  Forget(router);
}

void ResultParts::Forget(RouterId router) {
  std::erase_if(leaving_, [router](const auto& entry) {
    return entry.first.first == router;
  });
}

}  // namespace so
