#include "services/registry/function_index.h"

#include "services/registry/trigger_rules.h"

namespace so {

void FunctionIndex::Apply(const ChangeSet& changes) {
  MutexLock lock(mu_);
  // Everything old goes first: names and routes may change hands within one
  // commit.
  for (const std::string& id : changes.deleted_ids) Remove(id);
  for (const FunctionRecord& record : changes.changed) {
    Remove(record.function->id());
  }
  for (const FunctionRecord& record : changes.changed) Put(record);
  revision_ = changes.revision;
}

void FunctionIndex::Put(const FunctionRecord& record) {
  const Function& function = *record.function;
  name_by_id_[function.id()] = function.name();
  for (const HttpRoute& route : HttpRoutes(function)) {
    id_by_route_[route.key] = function.id();
  }
  by_name_[function.name()] = record;
}

void FunctionIndex::Remove(const std::string& id) {
  const auto name = name_by_id_.find(id);
  if (name == name_by_id_.end()) return;
  const auto record = by_name_.find(name->second);
  for (const HttpRoute& route : HttpRoutes(*record->second.function)) {
    id_by_route_.erase(route.key);
  }
  by_name_.erase(record);
  name_by_id_.erase(name);
}

std::optional<FunctionRecord> FunctionIndex::Find(
    absl::string_view id_or_name) const {
  MutexLock lock(mu_);
  const auto name = name_by_id_.find(id_or_name);
  const auto it = by_name_.find(
      name != name_by_id_.end() ? absl::string_view(name->second) : id_or_name);
  if (it == by_name_.end()) return std::nullopt;
  return it->second;
}

std::string FunctionIndex::RouteOwner(absl::string_view key) const {
  MutexLock lock(mu_);
  const auto it = id_by_route_.find(key);
  return it == id_by_route_.end() ? "" : it->second;
}

std::vector<FunctionPtr> FunctionIndex::Slice(absl::string_view from,
                                              size_t count) const {
  MutexLock lock(mu_);
  std::vector<FunctionPtr> functions;
  for (auto it = by_name_.lower_bound(from);
       it != by_name_.end() && functions.size() < count; ++it) {
    functions.push_back(it->second.function);
  }
  return functions;
}

FunctionIndex::Snapshot FunctionIndex::TakeSnapshot() const {
  MutexLock lock(mu_);
  Snapshot snapshot{.revision = revision_};
  snapshot.functions.reserve(by_name_.size());
  for (const auto& [name, record] : by_name_) {
    snapshot.functions.push_back(record.function);
  }
  return snapshot;
}

int64_t FunctionIndex::revision() const {
  MutexLock lock(mu_);
  return revision_;
}

size_t FunctionIndex::size() const {
  MutexLock lock(mu_);
  return by_name_.size();
}

}  // namespace so
