#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "serverless/pool/v1/pool.pb.h"

namespace so {

// Where the scaler learns what the pools decide by themselves.
class PoolEventSource {
 public:
  using Events = serverless::pool::v1::ListEventsResponse;
  using Done = absl::AnyInvocable<void(absl::StatusOr<Events>)>;

  virtual ~PoolEventSource() = default;

  virtual size_t pools() const = 0;

  // Reads what pool `pool` has decided after `sequence`, oldest first, and
  // calls `done` once, before returning or later on any thread, in bounded
  // time.
  virtual void Read(size_t pool, int64_t sequence, Done done) = 0;
};

}  // namespace so
