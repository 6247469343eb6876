#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/timers.h"
#include "serverless/pool/v1/pool.pb.h"
#include "serverless/router/v1/router.pb.h"
#include "services/registry/client/function_directory.h"

namespace so {

// Largest event and result, in bytes.
inline constexpr size_t kMaxEventBytes = 6 << 20;
// Larger ones travel between router and pool in parts of at most this size.
inline constexpr size_t kMaxPieceBytes = 64 << 10;

using Receipt = serverless::router::v1::InvokeResponse;
// Receives the outcome of one invocation, exactly once: a receipt when an
// instance was reached (its `error` tells of user code that did not answer), a
// status when none was.
using InvocationDone = absl::AnyInvocable<void(absl::StatusOr<Receipt>)>;

// Receives the parts of an answer that is streamed, in their order, before
// InvocationDone.
using PartArrived =
    absl::AnyInvocable<void(serverless::pool::v1::ResponsePart)>;

// How the instance that served an invocation came to be.
struct ColdStart {
  bool cold = false;  // The invocation waited for this instance to start.
  double start_ms = 0;
  double init_ms = 0;
};

// One call on its way: queued, dispatched, started, done.
struct Invocation {
  std::string request_id;
  FunctionPtr function;
  std::string event;  // Unchanged once it is submitted.
  absl::Time enqueued;
  // When the client stops waiting; may be infinite.
  absl::Time client_deadline = absl::InfiniteFuture();
  InvocationDone done;
  // Null: the answer is wanted as a whole.
  PartArrived on_part;

  // Whether the event follows its Dispatch in parts.
  bool in_parts() const { return event.size() > kMaxPieceBytes; }

  // Owned by the dispatcher, under its lock.
  int attempts = 0;
  std::string instance_id;  // Empty while queued.
  uint64_t dispatch_id = 0;
  ColdStart cold;
  absl::Time dispatched;
  bool started = false;    // The instance has acknowledged it.
  bool abandoned = false;  // Its client has gone.
  TimerId timer = 0;  // Queue wait while queued, safety net when dispatched.
  size_t event_sent = 0;  // Of a large event, in bytes.

  // What has come of a large result, its size, and the bytes of it that no
  // credit was given for yet. For the thread of NodeLink::Listener.
  std::string body;
  size_t body_bytes = 0;
  int32_t ungranted = 0;
};

using InvocationPtr = std::shared_ptr<Invocation>;

}  // namespace so
