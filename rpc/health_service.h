#pragma once

#include <list>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "base/mutex.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "rpc/service.h"

namespace so {

// grpc.health.v1.Health of a whole server: every service is as well as it is.
// gRPC's own is made of callbacks, which would bring their threads along.
class HealthService final : public Service<grpc::health::v1::Health> {
 public:
  // `services` are the full names it answers for, besides "" and itself.
  explicit HealthService(absl::flat_hash_set<std::string> services);

  // Whether the server wants work; true at first. Thread-safe.
  void SetServing(bool serving) ABSL_LOCKS_EXCLUDED(mu_);
  // Ends all Watch streams, and new ones at once.
  void EndWatches() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using Request = grpc::health::v1::HealthCheckRequest;
  using Response = grpc::health::v1::HealthCheckResponse;
  // One Watch stream.
  class Watcher;

  void Check(CallPtr<Request, Response> call) ABSL_LOCKS_EXCLUDED(mu_);
  void Watch(WriterPtr<Request, Response> writer) ABSL_LOCKS_EXCLUDED(mu_);
  Response::ServingStatus StatusOf(const std::string& service)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const absl::flat_hash_set<std::string> services_;
  Mutex mu_;
  bool serving_ ABSL_GUARDED_BY(mu_) = true;
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  std::list<std::shared_ptr<Watcher>> watchers_ ABSL_GUARDED_BY(mu_);
};

}  // namespace so
