#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/registry/function.h"

namespace so {

// Where functions, their versions and their code survive. Reads and PutCode
// are thread-safe; groups are written by one thread, one at a time.
//
// Errors: RESOURCE_EXHAUSTED (STORAGE_FULL) when the disk does not take a
// write; DATA_LOSS when what is read is not what was written.
class FunctionStore {
 public:
  struct Contents {
    int64_t revision = 0;
    std::vector<FunctionRecord> functions;
  };

  // Writes that become durable together, or not at all. Destroyed without
  // Commit, it leaves no trace. A write that fails leaves no trace either and
  // does not keep the others from being committed.
  class Group {
   public:
    virtual ~Group() = default;
    // Creates or replaces; `new_version` is null when none is made. The code
    // of the version has been put before.
    virtual absl::Status Put(const FunctionRecord& record,
                             const Function* new_version) = 0;
    // With all its versions.
    virtual absl::Status Delete(const std::string& function_id) = 0;
    // Called at most once. On failure nothing of the group is stored.
    virtual absl::Status Commit(int64_t revision) = 0;
  };

  virtual ~FunctionStore() = default;

  // Everything but versions and code.
  virtual absl::StatusOr<Contents> Load() = 0;

  virtual absl::StatusOr<std::unique_ptr<Group>> Begin() = 0;

  // Stores code under its Sha256Hex; durable when this returns. Code that no
  // version refers to is removed at the next start.
  virtual absl::Status PutCode(const std::string& sha256,
                               absl::string_view code) = 0;
  // NOT_FOUND when no version refers to it.
  virtual absl::StatusOr<std::string> ReadCode(const std::string& sha256) = 0;

  // A version as it was put. NOT_FOUND.
  virtual absl::StatusOr<Function> ReadVersion(const std::string& function_id,
                                               int32_t version) = 0;
  // Up to `count` versions below `below`, the newest first.
  virtual absl::StatusOr<std::vector<Function>> ReadVersions(
      const std::string& function_id, int64_t below, int count) = 0;
};

}  // namespace so
