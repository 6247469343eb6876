#pragma once

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "services/registry/client/function_directory.h"

namespace so {

// Directories with the code of functions, ready to be run. For the loop thread.
class CodeStore {
 public:
  using OnReady = absl::AnyInvocable<void(absl::StatusOr<std::string>)>;

  virtual ~CodeStore() = default;

  // Answers the directory with the code of this version of a function, either
  // before returning (it is there) or later on the loop thread.
  // INVALID_ARGUMENT (the handler names no file), UNAVAILABLE and the errors of
  // CodeSource.
  virtual void Prepare(const FunctionPtr& function, OnReady done) = 0;
};

}  // namespace so
