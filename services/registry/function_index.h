#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "services/registry/function.h"

namespace so {

// What one commit changed.
struct ChangeSet {
  int64_t revision = 0;
  // Functions created or changed, each once.
  std::vector<FunctionRecord> changed;
  std::vector<std::string> deleted_ids;
};

// All functions at their current version, in memory and without code: about
// 1 KB each. Holds what is committed and nothing else. Thread-safe.
class FunctionIndex {
 public:
  FunctionIndex() = default;
  // Begins with what is stored.
  explicit FunctionIndex(const ChangeSet& stored) { Apply(stored); }

  struct Snapshot {
    int64_t revision = 0;
    std::vector<FunctionPtr> functions;
  };

  // Takes in a committed change.
  void Apply(const ChangeSet& changes) ABSL_LOCKS_EXCLUDED(mu_);

  // By id, else by name.
  std::optional<FunctionRecord> Find(absl::string_view id_or_name) const
      ABSL_LOCKS_EXCLUDED(mu_);
  // The id of the function that answers an HttpRoute's key; empty when none.
  std::string RouteOwner(absl::string_view key) const ABSL_LOCKS_EXCLUDED(mu_);

  // Up to `count` functions in the order of their names, from the first name
  // that is not below `from`.
  std::vector<FunctionPtr> Slice(absl::string_view from, size_t count) const
      ABSL_LOCKS_EXCLUDED(mu_);
  Snapshot TakeSnapshot() const ABSL_LOCKS_EXCLUDED(mu_);

  int64_t revision() const ABSL_LOCKS_EXCLUDED(mu_);
  size_t size() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Put(const FunctionRecord& record) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Remove(const std::string& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable Mutex mu_;
  int64_t revision_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<std::string, FunctionRecord, std::less<>> by_name_
      ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, std::string> name_by_id_
      ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, std::string> id_by_route_
      ABSL_GUARDED_BY(mu_);
};

}  // namespace so
