#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "serverless/pool/v1/pool.pb.h"
#include "services/pool/running_call.h"

namespace so {

// Results on their way to routers. A body of more than kMaxPieceBytes goes in
// parts, as the credit of its router allows, so that what is small does not
// wait behind it. For the loop thread.
class ResultParts {
 public:
  using Send =
      std::function<void(RouterId, serverless::pool::v1::AttachResponse)>;

  explicit ResultParts(Send send) : send_(std::move(send)) {}

  // Sends what can be sent now; Grant sends the rest.
  void Add(RouterId router, serverless::pool::v1::Result result);
  // False when the credit is not for a result that is on its way.
  bool Grant(RouterId router, const serverless::pool::v1::Credit& credit);
  // Results of this instance that have not left say that it is not free.
  void InstanceEnds(absl::string_view instance_id);
  // Sends all that is left for a router, whose stream is to end.
  void Flush(RouterId router);
  // The router is gone, and what was meant for it.
  void Forget(RouterId router);

  bool empty() const { return leaving_.empty(); }

 private:
  // A router and one of its dispatches.
  using Key = std::pair<RouterId, uint64_t>;
  struct Leaving {
    // Without its body.
    serverless::pool::v1::Result result;
    std::string body;
    size_t sent = 0;
    int64_t credit = kStreamWindowBytes;
  };

  // Returns whether all of it has been sent.
  bool Advance(RouterId router, Leaving& leaving);

  const Send send_;
  std::map<Key, Leaving> leaving_;
};

}  // namespace so
