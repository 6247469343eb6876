#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>

#include "base/timers.h"
#include "services/pool/sandbox_task.h"

namespace so {

using TaskId = int64_t;

// Runs tasks, a few at a time and in the order they came; refuses them when too
// many wait. For the loop thread.
class TaskQueue {
 public:
  struct Options {
    int parallel = 2;
    size_t depth = 64;
  };
  using OnDone = SandboxTask::OnDone;

  // Both borrowed.
  TaskQueue(Options options, Sandbox& sandbox, Timers& timers)
      : options_(options), sandbox_(sandbox), timers_(timers) {}

  // 0, and `done` never runs, when the queue is full.
  [[nodiscard]] TaskId Run(TaskSpec spec, OnDone done);

  // Ends a task, waiting or running; unknown ones are ignored. Its `done` still
  // runs, before this returns or later.
  void Cancel(TaskId id);

 private:
  struct Waiting {
    TaskId id;
    TaskSpec spec;
    OnDone done;
  };

  void StartNext();

  const Options options_;
  Sandbox& sandbox_;
  Timers& timers_;
  TaskId last_id_ = 0;
  std::deque<Waiting> waiting_;
  std::map<TaskId, std::unique_ptr<SandboxTask>> running_;
};

}  // namespace so
