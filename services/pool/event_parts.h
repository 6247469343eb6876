#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "serverless/pool/v1/pool.pb.h"
#include "services/pool/running_call.h"

namespace so {

// Dispatches whose events are on their way from routers, in parts, as the
// credit given here allows. For the loop thread.
class EventParts {
 public:
  using Send =
      std::function<void(RouterId, serverless::pool::v1::AttachResponse)>;
  struct Arriving {
    RouterId router = 0;
    // Its event is what has come of it.
    serverless::pool::v1::Dispatch dispatch;
    // Bytes that have come since the last credit.
    int32_t ungranted = 0;
  };

  explicit EventParts(Send send) : send_(std::move(send)) {}

  // Asks for the event of a dispatch, of event_bytes, which the caller has
  // found acceptable.
  void Begin(RouterId router, serverless::pool::v1::Dispatch dispatch);
  // The dispatch with its event, when this was the last of it. A router that
  // sends more than it said is noticed by the event's size.
  std::optional<serverless::pool::v1::Dispatch> Add(
      RouterId router, const serverless::pool::v1::EventPart& part);

  // Each of these forgets what it returns; further parts of it are dropped.
  std::optional<Arriving> Take(RouterId router, uint64_t dispatch_id);
  std::vector<Arriving> TakeFor(absl::string_view instance_id);
  std::vector<Arriving> TakeAll();
  void Forget(RouterId router);

  bool empty() const { return arriving_.empty(); }

 private:
  void Grant(RouterId router, uint64_t dispatch_id, int32_t bytes);

  const Send send_;
  // By router and dispatch id.
  std::map<std::pair<RouterId, uint64_t>, Arriving> arriving_;
};

}  // namespace so
