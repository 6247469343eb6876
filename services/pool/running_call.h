#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "base/timers.h"
#include "serverless/pool/v1/pool.pb.h"
#include "services/pool/frame.h"
#include "services/pool/output_capture.h"

namespace so {

// Names one attached router; 0 is none.
using RouterId = uint64_t;

// One invocation on an instance, from INVOKE to its Result.
struct RunningCall {
  explicit RunningCall(size_t log_limit) : output(log_limit) {}

  // Who waits for it, and how it calls it.
  RouterId router = 0;
  uint64_t dispatch_id = 0;
  // The client's name for it; not necessarily its only one.
  std::string request_id;
  // What the process must answer with.
  Nonce nonce{};
  // The process has acknowledged it: user code runs.
  bool started = false;
  // When it was sent, and then when it was acknowledged.
  absl::Time began;
  TimerId timeout = 0;
  // The answer is wanted while it is written: what was said of it so far, the
  // bytes of it that may still come, and those not passed on yet.
  bool stream = false;
  std::optional<serverless::pool::v1::ResponseHead> head;
  int64_t credit = kStreamWindowBytes;
  std::string unsent;
  // The process has answered, with this but for its body, which is being
  // checked elsewhere. Nothing that comes after it counts.
  std::optional<serverless::pool::v1::Result> answer;
  std::shared_ptr<std::string> body;
  // What is known to have been printed by this one and not by its neighbours.
  OutputCapture output;
};

}  // namespace so
