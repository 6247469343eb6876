#pragma once

#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "services/registry/function_index.h"

namespace so {

// The functions as they will be once a group of writes is committed: what is
// committed, and the changes of the group so far on top. Used by the writer
// thread only; `index` must not change meanwhile.
class StagedFunctions {
 public:
  explicit StagedFunctions(const FunctionIndex& index) : index_(index) {}

  std::optional<FunctionRecord> Find(const std::string& id_or_name) const;
  std::string RouteOwner(const std::string& key) const;

  void Put(FunctionRecord record);
  void Delete(const Function& function);

  // What the group has changed, each function once.
  ChangeSet Changes(int64_t revision) const;
  bool empty() const { return records_.empty(); }

 private:
  const FunctionIndex& index_;
  // By id; nothing inside means deleted.
  absl::flat_hash_map<std::string, std::optional<FunctionRecord>> records_;
  // Ids by name and by route; empty means none any more.
  absl::flat_hash_map<std::string, std::string> names_;
  absl::flat_hash_map<std::string, std::string> routes_;
};

}  // namespace so
