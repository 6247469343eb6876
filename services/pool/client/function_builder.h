#pragma once

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/cancellation.h"
#include "serverless/pool/v1/build.pb.h"

namespace so {

// Says whether code can be registered, by building it and loading its handler
// where functions run. Thread-safe.
class FunctionBuilder {
 public:
  using OnBuilt = absl::AnyInvocable<void(
      absl::StatusOr<serverless::pool::v1::BuildResponse>)>;

  virtual ~FunctionBuilder() = default;

  // `done` runs once, before this returns or later on any thread, and must not
  // block. Statuses as in BuildService; UNAVAILABLE that names the pool when it
  // does not answer; CANCELLED, soon, when the caller has given up.
  virtual void Build(serverless::pool::v1::BuildRequest request,
                     std::shared_ptr<Cancellation> caller, OnBuilt done) = 0;
};

}  // namespace so
