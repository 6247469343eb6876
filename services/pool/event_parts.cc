#include "services/pool/event_parts.h"

namespace so {
namespace {

namespace pb = serverless::pool::v1;

// How much is worth a message: half of what may be under way, so that it does
// not come to a stop.
constexpr int32_t kGrantBytes = kStreamWindowBytes / 2;

}  // namespace

void EventParts::Begin(RouterId router, pb::Dispatch dispatch) {
  const uint64_t id = dispatch.dispatch_id();
  dispatch.mutable_event()->reserve(dispatch.event_bytes());
  arriving_.insert_or_assign(
      std::pair(router, id),
      Arriving{.router = router, .dispatch = std::move(dispatch)});
  Grant(router, id, kStreamWindowBytes);
}

std::optional<pb::Dispatch> EventParts::Add(RouterId router,
                                            const pb::EventPart& part) {
  const auto it = arriving_.find({router, part.dispatch_id()});
  if (it == arriving_.end()) return std::nullopt;
  Arriving& arriving = it->second;
  std::string& event = *arriving.dispatch.mutable_event();
  event.append(part.data());
  if (event.size() >= static_cast<size_t>(arriving.dispatch.event_bytes())) {
    pb::Dispatch dispatch = std::move(arriving.dispatch);
    arriving_.erase(it);
    return dispatch;
  }
  arriving.ungranted += static_cast<int32_t>(part.data().size());
  if (arriving.ungranted >= kGrantBytes) {
    Grant(router, part.dispatch_id(), std::exchange(arriving.ungranted, 0));
  }
  return std::nullopt;
}

void EventParts::Grant(RouterId router, uint64_t dispatch_id, int32_t bytes) {
  pb::AttachResponse message;
  message.mutable_event_credit()->set_dispatch_id(dispatch_id);
  message.mutable_event_credit()->set_bytes(bytes);
  send_(router, std::move(message));
}

std::optional<EventParts::Arriving> EventParts::Take(RouterId router,
                                                     uint64_t dispatch_id) {
  auto node = arriving_.extract({router, dispatch_id});
  if (node.empty()) return std::nullopt;
  return std::move(node.mapped());
}

std::vector<EventParts::Arriving> EventParts::TakeFor(
    absl::string_view instance_id) {
  std::vector<Arriving> taken;
  for (auto it = arriving_.begin(); it != arriving_.end();) {
    if (it->second.dispatch.instance_id() == instance_id) {
      taken.push_back(std::move(it->second));
      it = arriving_.erase(it);
    } else {
      ++it;
    }
  }
  return taken;
}

std::vector<EventParts::Arriving> EventParts::TakeAll() {
  std::vector<Arriving> taken;
  for (auto& [key, arriving] : arriving_) taken.push_back(std::move(arriving));
  arriving_.clear();
  return taken;
}

void EventParts::Forget(RouterId router) {
  std::erase_if(arriving_, [router](const auto& entry) {
    return entry.first.first == router;
  });
}

}  // namespace so
