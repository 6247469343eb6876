#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "serverless/config/v1/runtime.pb.h"

namespace so {

// One language: how its functions are checked, built and started.
class Runtime {
 public:
  explicit Runtime(serverless::config::v1::RuntimeDescriptor descriptor);

  const std::string& name() const { return descriptor_.name(); }
  const serverless::config::v1::RuntimeDescriptor& descriptor() const {
    return descriptor_;
  }
  // The limit to enforce for a function that asks for `memory` MB.
  int EnforcedMemory(int memory) const;
  // Of one sandbox, threads included.
  int max_pids() const;
  // Null when the source is what runs.
  const serverless::config::v1::BuildRule* build() const {
    return descriptor_.has_build() ? &descriptor_.build() : nullptr;
  }
  // Whether the handler is loaded once when a function is registered.
  bool check_handler() const { return descriptor_.check_handler(); }
  // Whether code may come as one file; else it has to be an archive.
  bool takes_inline_code() const {
    return !descriptor_.source().files().empty();
  }
  // Relative paths the source of inline code is written to. INVALID_ARGUMENT
  // when the handler names no file below the code directory, or only archives
  // are taken.
  absl::StatusOr<std::vector<std::string>> SourceFiles(
      absl::string_view handler) const;

 private:
  serverless::config::v1::RuntimeDescriptor descriptor_;
};

// The runtimes of one directory, a folder each. Immutable once loaded.
class RuntimeCatalog {
 public:
  // Fails with every problem at once. Whether a runtime can be started is for
  // the launcher to say.
  static absl::StatusOr<RuntimeCatalog> Load(const std::string& directory);

  explicit RuntimeCatalog(std::map<std::string, Runtime> runtimes)
      : runtimes_(std::move(runtimes)) {}

  // Null when there is no such runtime.
  const Runtime* Find(absl::string_view name) const;
  std::vector<std::string> names() const;

 private:
  std::map<std::string, Runtime> runtimes_;
};

}  // namespace so
