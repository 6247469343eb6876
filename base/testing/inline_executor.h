#pragma once

#include "base/executor.h"

namespace so {

// Runs work inside Post: for tests with one thread.
class InlineExecutor final : public Executor {
 public:
  void Post(absl::AnyInvocable<void()> work) override { work(); }
};

}  // namespace so
