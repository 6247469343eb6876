#include "services/pool/task_queue.h"

#include <algorithm>
#include <utility>

namespace so {

TaskId TaskQueue::Run(TaskSpec spec, OnDone done) {
  if (waiting_.size() >= options_.depth) return 0;
  const TaskId id = ++last_id_;
  waiting_.push_back({id, std::move(spec), std::move(done)});
  StartNext();
  return id;
}

void TaskQueue::StartNext() {
  while (static_cast<int>(running_.size()) < options_.parallel &&
         !waiting_.empty()) {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    const TaskId id = next.id;
    running_[id] = std::make_unique<SandboxTask>(
        std::move(next.spec), sandbox_, timers_,
        [this, id, done = std::move(next.done)](TaskResult result) mutable {
          // This closure lives in the task.
          const auto task = running_.extract(id);
          done(std::move(result));
          StartNext();
        });
  }
}

void TaskQueue::Cancel(TaskId id) {
  if (const auto task = running_.find(id); task != running_.end()) {
    task->second->Cancel();
    return;
  }
  const auto it =
      std::find_if(waiting_.begin(), waiting_.end(),
                   [id](const Waiting& waiting) { return waiting.id == id; });
  if (it == waiting_.end()) return;
  OnDone done = std::move(it->done);
  waiting_.erase(it);
  done({.end = TaskResult::End::kCancelled});
}

}  // namespace so
