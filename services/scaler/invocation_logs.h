#pragma once

#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "serverless/router/v1/router.pb.h"

namespace so {

// What became of calls, as long as it is remembered.
class InvocationLogs {
 public:
  using Done = absl::AnyInvocable<void(
      absl::StatusOr<serverless::router::v1::InvocationLog>)>;

  virtual ~InvocationLogs() = default;

  // Calls `done` once, in bounded time, on any thread. NOT_FOUND when no call
  // of that function with that id is remembered.
  virtual void Find(const std::string& function_id,
                    const std::string& request_id, Done done) = 0;
};

}  // namespace so
