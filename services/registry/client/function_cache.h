#pragma once

#include <list>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "base/mutex.h"
#include "serverless/registry/v1/registry.pb.h"
#include "services/registry/client/function_directory.h"
#include "services/registry/client/function_reference.h"

namespace so {

// The registry's functions as its feed describes them, in memory: the part of
// a FunctionDirectory that knows no gRPC. Thread-safe, except that the messages
// of the feed are applied one at a time.
class FunctionCache {
 public:
  using Listener = FunctionDirectory::Listener;

  // At most this many functions at other versions than their current one.
  static constexpr size_t kMaxOtherVersions = 1000;

  // Takes in one message of the feed and tells the listeners. A snapshot's
  // functions count at once; what it does not mention is gone at its end.
  void Apply(const serverless::registry::v1::WatchResponse& message)
      ABSL_LOCKS_EXCLUDED(delivery_mu_, mu_);

  // The revision from which the feed continues without a gap; 0 asks for a
  // snapshot.
  int64_t resume_revision() const ABSL_LOCKS_EXCLUDED(mu_);
  // Whether a whole snapshot has arrived.
  bool synced() const ABSL_LOCKS_EXCLUDED(mu_);

  // The function at the version that `reference` asks for; null when that is
  // not known here.
  FunctionPtr Lookup(const FunctionReference& reference)
      ABSL_LOCKS_EXCLUDED(mu_);
  FunctionPtr Find(absl::string_view function_id) const
      ABSL_LOCKS_EXCLUDED(mu_);
  // The current version, by id or name; null when unknown.
  FunctionPtr FindCurrent(absl::string_view id_or_name) const
      ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<FunctionPtr> List() const ABSL_LOCKS_EXCLUDED(mu_);

  // Remembers a function at another version than its current one, until the
  // function changes. `current` is what was current when the registry was
  // asked: when that has changed since, the answer is too old to be kept.
  void KeepVersion(const FunctionPtr& other, const FunctionPtr& current)
      ABSL_LOCKS_EXCLUDED(mu_);

  // See FunctionDirectory::Subscribe.
  void Subscribe(Listener& listener) ABSL_LOCKS_EXCLUDED(delivery_mu_, mu_);

 private:
  // Other versions, the most recently used first.
  using Others = std::list<FunctionPtr>;

  struct News {
    std::vector<FunctionPtr> changed;
    std::vector<std::string> deleted;
  };

  News Store(const serverless::registry::v1::WatchResponse& message)
      ABSL_LOCKS_EXCLUDED(mu_);
  void Put(FunctionPtr function, News& news) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Remove(const std::string& id, News& news)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RemoveUnseen(News& news) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void DropOtherVersions(const std::string& id)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  FunctionPtr Current(absl::string_view id_or_name) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Held while listeners are told, and for nothing else: it keeps the order of
  // what they hear the order of what happened. Taken before mu_.
  Mutex delivery_mu_;
  std::vector<Listener*> listeners_ ABSL_GUARDED_BY(delivery_mu_);

  mutable Mutex mu_;
  int64_t revision_ ABSL_GUARDED_BY(mu_) = 0;
  bool synced_ ABSL_GUARDED_BY(mu_) = false;
  // Ids that the running snapshot has mentioned; empty when none is running.
  std::optional<absl::flat_hash_set<std::string>> seen_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, FunctionPtr> by_id_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, std::string> id_by_name_
      ABSL_GUARDED_BY(mu_);
  Others others_ ABSL_GUARDED_BY(mu_);
};

}  // namespace so
