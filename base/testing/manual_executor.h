#pragma once

#include <utility>
#include <vector>

#include "base/executor.h"

namespace so {

// Runs work inside Post or, while `hold` is set, when the test says so. Not
// thread-safe.
class ManualExecutor final : public Executor {
 public:
  void Post(absl::AnyInvocable<void()> work) override {
    if (!hold) return work();
    waiting.push_back(std::move(work));
  }
  // Runs what waits now.
  void Run() {
    for (auto& work : std::exchange(waiting, {})) work();
  }

  bool hold = false;
  std::vector<absl::AnyInvocable<void()>> waiting;
};

}  // namespace so
