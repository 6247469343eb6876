#pragma once

#include <string>
#include <vector>

#include "services/pool/code_store.h"

namespace so {

// Has all code at once, unless told otherwise. Not thread-safe.
class FakeCodeStore final : public CodeStore {
 public:
  void Prepare(const FunctionPtr& function, OnReady done) override {
    prepared.push_back(function->id());
    if (status.ok()) {
      done(std::string("/code"));
    } else {
      done(status);
    }
  }

  absl::Status status;
  std::vector<std::string> prepared;
};

}  // namespace so
