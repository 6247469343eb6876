#include "services/registry/staged_functions.h"

#include <utility>

#include "services/registry/trigger_rules.h"

namespace so {

std::optional<FunctionRecord> StagedFunctions::Find(
    const std::string& id_or_name) const {
  if (const auto it = records_.find(id_or_name); it != records_.end()) {
    return it->second;
  }
  if (const auto name = names_.find(id_or_name); name != names_.end()) {
    if (name->second.empty()) return std::nullopt;
    return records_.at(name->second);
  }
  std::optional<FunctionRecord> found = index_.Find(id_or_name);
  if (!found.has_value()) return std::nullopt;
  const auto it = records_.find(found->function->id());
  return it != records_.end() ? it->second : found;
}

std::string StagedFunctions::RouteOwner(const std::string& key) const {
  const auto it = routes_.find(key);
  return it != routes_.end() ? it->second : index_.RouteOwner(key);
}

void StagedFunctions::Put(FunctionRecord record) {
  const Function& function = *record.function;
  if (const auto before = Find(function.id()); before.has_value()) {
    for (const HttpRoute& route : HttpRoutes(*before->function)) {
      routes_[route.key].clear();
    }
  }
  for (const HttpRoute& route : HttpRoutes(function)) {
    routes_[route.key] = function.id();
  }
  names_[function.name()] = function.id();
  records_[function.id()] = std::move(record);
}

void StagedFunctions::Delete(const Function& function) {
  for (const HttpRoute& route : HttpRoutes(function)) {
    routes_[route.key].clear();
  }
  names_[function.name()].clear();
  records_[function.id()] = std::nullopt;
}

ChangeSet StagedFunctions::Changes(int64_t revision) const {
  ChangeSet changes{.revision = revision};
  for (const auto& [id, record] : records_) {
    if (record.has_value()) {
      changes.changed.push_back(*record);
    } else {
      changes.deleted_ids.push_back(id);
    }
  }
  return changes;
}

}  // namespace so
