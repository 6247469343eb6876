#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "serverless/config/v1/runtime.pb.h"

namespace so {

// PATH of instances, and where the programs of runtimes are looked up.
inline constexpr absl::string_view kInstancePath =
    "/usr/local/bin:/usr/bin:/bin";

// One language, ready to be started.
class Runtime {
 public:
  // `program` and `shim` are absolute paths.
  Runtime(serverless::config::v1::RuntimeDescriptor descriptor,
          std::string program, std::string shim);

  const std::string& name() const { return descriptor_.name(); }
  int address_space_reserve() const {
    return descriptor_.address_space_reserve();
  }
  // The limit to enforce for a function that asks for `memory` MB.
  int EnforcedMemory(int memory) const;
  std::vector<std::string> Command(int memory) const;
  // NAME=value, as docs/runtime-contract.md promises, without HOME and TMPDIR.
  std::vector<std::string> Environment() const;
  // Relative paths the source of inline code is written to. INVALID_ARGUMENT
  // when the handler names no file below the code directory.
  absl::StatusOr<std::vector<std::string>> SourceFiles(
      absl::string_view handler) const;

 private:
  serverless::config::v1::RuntimeDescriptor descriptor_;
  std::string program_;
  std::string shim_;
};

// The runtimes of one directory, a folder each. Immutable once loaded.
class RuntimeCatalog {
 public:
  // Fails with every problem at once: an unreadable descriptor, a program that
  // is not installed, a missing shim.
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
