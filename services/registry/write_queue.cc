#include "services/registry/write_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "services/registry/registry_errors.h"

namespace so {

WriteQueue::WriteQueue(size_t depth, RunGroup run_group)
    : depth_(depth),
      run_group_(std::move(run_group)),
      thread_([this] { Run(); }) {}

WriteQueue::~WriteQueue() {
  {
    MutexLock lock(mu_);
    closed_ = true;
    stopping_ = true;
  }
  changed_.SignalAll();
  thread_.join();
}

void WriteQueue::Submit(Mutation mutation) {
  absl::Status refused;
  {
    MutexLock lock(mu_);
    if (closed_) {
      refused = ShuttingDownError();
    } else if (waiting_.size() >= depth_) {
      refused = OverloadedError();
    } else {
      waiting_.push_back(std::move(mutation));
    }
  }
  if (refused.ok()) {
    changed_.SignalAll();
  } else {
    mutation.done(refused);
  }
}

void WriteQueue::Close() {
  MutexLock lock(mu_);
  closed_ = true;
  while (running_ || !waiting_.empty()) changed_.Wait(mu_);
}

void WriteQueue::Run() {
  for (std::vector<Mutation> group = NextGroup(); !group.empty();
       group = NextGroup()) {
    run_group_(std::move(group));
  }
}

std::vector<Mutation> WriteQueue::NextGroup() {
  MutexLock lock(mu_);
  running_ = false;
  changed_.SignalAll();
  while (waiting_.empty() && !stopping_) changed_.Wait(mu_);
  if (waiting_.size() <= kMaxGroup) {
    running_ = !waiting_.empty();
    return std::exchange(waiting_, {});
  }
  running_ = true;
  const auto end = waiting_.begin() + kMaxGroup;
  std::vector<Mutation> group(std::make_move_iterator(waiting_.begin()),
                              std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  return group;
}

}  // namespace so
