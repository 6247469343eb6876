#pragma once

#include <optional>

#include "absl/strings/string_view.h"
#include "serverless/pool/v1/pool.pb.h"

namespace so {

using serverless::pool::v1::InstanceState;

// What moves an instance from one state to another.
enum class InstanceEvent {
  // The process was created.
  kStart,
  // The handler is loaded.
  kReady,
  // An invocation was sent to it.
  kInvoke,
  // The only invocation on it has ended, and it can take others.
  kFinish,
  // It is to end: retired, timed out, killed or dead.
  kEnd,
};

// The state after `event`, or nothing: then the event must not happen in
// `state`. This table is the only place that knows the transitions:
//
//              kStart    kReady  kInvoke  kFinish  kEnd
//   COLD       WARMING   -       -        -        TERMINATING
//   WARMING    -         WARM    -        -        TERMINATING
//   WARM       -         -       BUSY     -        TERMINATING
//   BUSY       -         -       BUSY     WARM     TERMINATING
//   TERMINATING-         -       -        -        -
std::optional<InstanceState> NextState(InstanceState state,
                                       InstanceEvent event);

// "cold", "warming", "warm", "busy", "terminating".
absl::string_view StateName(InstanceState state);
absl::string_view EventName(InstanceEvent event);

}  // namespace so
