#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "absl/container/flat_hash_set.h"
#include "base/mutex.h"
#include "rpc/service.h"
#include "serverless/router/v1/gateway.grpc.pb.h"
#include "services/router/invocation_router.h"

namespace so {

// RouterGatewayService: the calls of gateways, many on one stream. Borrows
// `router`, which must have answered or forgotten all calls when this is
// destroyed.
class GatewayService final
    : public Service<serverless::router::v1::RouterGatewayService> {
 public:
  explicit GatewayService(InvocationRouter& router);

  // Ends each stream as soon as its calls are answered, and new ones at once:
  // gateways go on with calls of their own.
  void EndStreams() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  class Session;
  using Response = serverless::router::v1::AttachResponse;

  void Attach(
      StreamPtr<serverless::router::v1::AttachRequest, Response> stream);
  void Collect(CallPtr<serverless::router::v1::CollectRequest,
                       serverless::router::v1::CollectResponse>
                   call) ABSL_LOCKS_EXCLUDED(mu_);

  void Forget(const std::shared_ptr<Session>& session) ABSL_LOCKS_EXCLUDED(mu_);
  // Keeps a receipt for Collect.
  uint64_t Keep(Receipt receipt) ABSL_LOCKS_EXCLUDED(mu_);

  InvocationRouter& router_;
  Mutex mu_;
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  absl::flat_hash_set<std::shared_ptr<Session>> sessions_ ABSL_GUARDED_BY(mu_);
  // A sequence will do: only gateways reach this service.
  uint64_t last_key_ ABSL_GUARDED_BY(mu_) = 0;
  // Oldest first. A gateway that died does not collect: the oldest go when they
  // are too many.
  std::map<uint64_t, Receipt> kept_ ABSL_GUARDED_BY(mu_);
  size_t kept_bytes_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace so
