#pragma once

#include <deque>
#include <memory>
#include <string>

#include "base/unique_fd.h"
#include "services/pool/event_loop.h"
#include "services/pool/sandbox.h"

namespace so {

// The control channel and the output of one sandbox: reads both, and writes
// what is queued. Not before Start. For the loop thread; `listener` may destroy
// this in a callback.
class SandboxStreams {
 public:
  // The loop and the listener are borrowed. Descriptors are non-blocking from
  // here on.
  SandboxStreams(EventLoop& loop, SandboxListener& listener, UniqueFd channel,
                 UniqueFd output);

  // Reads what is there already, and then whatever comes.
  void Start();
  // What cannot be written is dropped.
  void Send(std::string bytes);
  // Delivers the output that is there now, up to a bound.
  void DrainOutput();
  // Delivers what is left of both, once nobody can write any more.
  void Finish();

 private:
  enum class ReadResult { kSome, kNothingNow, kEnd };

  void WaitForControl();
  ReadResult ReadControl();
  void WaitForOutput();
  // False when there will be no more.
  bool ReadOutput(size_t limit);
  void Write();

  SandboxListener& listener_;
  const UniqueFd channel_;
  const UniqueFd output_;
  std::unique_ptr<EventLoop::Watch> channel_watch_;
  std::unique_ptr<EventLoop::Watch> output_watch_;
  std::deque<std::string> outgoing_;
  size_t written_ = 0;  // Of the first of them.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace so
