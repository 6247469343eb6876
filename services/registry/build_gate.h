#pragma once

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "services/pool/client/function_builder.h"
#include "services/registry/function.h"

namespace so {

// Whose change it is, and whether it is still wanted.
using Caller = std::shared_ptr<Cancellation>;

// Lets a function through whose code can be built and loaded. Thread-safe.
class BuildGate {
 public:
  // OK; INVALID_ARGUMENT (BUILD_FAILED) with what is wrong with the code; or
  // what kept it from being checked, see FunctionBuilder.
  using OnChecked = absl::AnyInvocable<void(absl::Status)>;

  // `builder` is borrowed.
  explicit BuildGate(FunctionBuilder& builder) : builder_(builder) {}

  // `function` comes with its code or archive, or else with the hash of what is
  // stored. `done` runs once, before this returns or on a thread of the
  // builder, and must not block.
  void Check(const Function& function, Caller caller, OnChecked done);

 private:
  FunctionBuilder& builder_;
};

}  // namespace so
