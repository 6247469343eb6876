#pragma once

#include <string>

#include "base/executor.h"
#include "services/pool/instance_pool.h"
#include "services/registry/client/function_directory.h"

namespace so {

// Carries the registry's changes to the loop thread. Thread-safe.
class DirectoryListener final : public FunctionDirectory::Listener {
 public:
  // Both are borrowed.
  DirectoryListener(Executor& loop, InstancePool& pool)
      : loop_(loop), pool_(pool) {}

  void OnFunctionChanged(const FunctionPtr& function) override {
    loop_.Post([this, function] { pool_.OnFunctionChanged(function); });
  }
  void OnFunctionDeleted(const std::string& function_id) override {
    loop_.Post([this, function_id] { pool_.OnFunctionDeleted(function_id); });
  }
  void OnSynced() override {
    loop_.Post([this] { pool_.OnDirectorySynced(); });
  }

 private:
  Executor& loop_;
  InstancePool& pool_;
};

}  // namespace so
