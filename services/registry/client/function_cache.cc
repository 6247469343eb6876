#include "services/registry/client/function_cache.h"

#include <algorithm>
#include <utility>

namespace so {

using serverless::function::v1::Function;
using serverless::registry::v1::WatchResponse;

void FunctionCache::Apply(const WatchResponse& message) {
  MutexLock delivery(delivery_mu_);
  const News news = Store(message);
  for (Listener* listener : listeners_) {
    for (const std::string& id : news.deleted) listener->OnFunctionDeleted(id);
    for (const FunctionPtr& f : news.changed) listener->OnFunctionChanged(f);
    if (message.snapshot_end()) listener->OnSynced();
  }
}

FunctionCache::News FunctionCache::Store(const WatchResponse& message) {
  MutexLock lock(mu_);
  News news;
  if (message.snapshot_begin()) {
    seen_.emplace();
    // Half a snapshot is no place to resume from.
    revision_ = 0;
  }
  // Deletions first: a batch may give the name of a deleted function to a new
  // one.
  for (const std::string& id : message.deleted_ids()) Remove(id, news);
  for (const Function& function : message.changed()) {
    if (seen_.has_value()) seen_->insert(function.id());
    Put(std::make_shared<const Function>(function), news);
  }
  if (message.snapshot_end()) {
    RemoveUnseen(news);
    seen_.reset();
    synced_ = true;
  }
  if (!seen_.has_value()) revision_ = message.revision();
  return news;
}

void FunctionCache::Put(FunctionPtr function, News& news) {
  FunctionPtr& entry = by_id_[function->id()];
  // A snapshot repeats what is known; only what differs is news.
  if (entry != nullptr && entry->etag() == function->etag()) return;
  DropOtherVersions(function->id());
  id_by_name_[function->name()] = function->id();
  news.changed.push_back(function);
  entry = std::move(function);
}

void FunctionCache::Remove(const std::string& id, News& news) {
  const auto it = by_id_.find(id);
  if (it == by_id_.end()) return;
  // The name may belong to a younger function by now.
  const auto name = id_by_name_.find(it->second->name());
  if (name != id_by_name_.end() && name->second == id) id_by_name_.erase(name);
  DropOtherVersions(id);
  by_id_.erase(it);
  news.deleted.push_back(id);
}

void FunctionCache::RemoveUnseen(News& news) {
  std::vector<std::string> gone;
  for (const auto& [id, function] : by_id_) {
    if (!seen_->contains(id)) gone.push_back(id);
  }
  for (const std::string& id : gone) Remove(id, news);
}

void FunctionCache::DropOtherVersions(const std::string& id) {
  others_.remove_if([&](const FunctionPtr& f) { return f->id() == id; });
}

int64_t FunctionCache::resume_revision() const {
  MutexLock lock(mu_);
  return revision_;
}

bool FunctionCache::synced() const {
  MutexLock lock(mu_);
  return synced_;
}

FunctionPtr FunctionCache::Lookup(const FunctionReference& reference) {
  MutexLock lock(mu_);
  const FunctionPtr current = Current(reference.function);
  if (current == nullptr) return nullptr;
  if (!reference.version || *reference.version == current->version()) {
    return current;
  }
  const auto it =
      std::find_if(others_.begin(), others_.end(), [&](const FunctionPtr& f) {
        return f->version() == *reference.version && f->id() == current->id();
      });
  if (it == others_.end()) return nullptr;
  others_.splice(others_.begin(), others_, it);
  return others_.front();
}

FunctionPtr FunctionCache::Current(absl::string_view id_or_name) const {
  auto it = by_id_.find(id_or_name);
  if (it != by_id_.end()) return it->second;
  const auto name = id_by_name_.find(id_or_name);
  if (name == id_by_name_.end()) return nullptr;
  it = by_id_.find(name->second);
  return it == by_id_.end() ? nullptr : it->second;
}

FunctionPtr FunctionCache::Find(absl::string_view function_id) const {
  MutexLock lock(mu_);
  const auto it = by_id_.find(function_id);
  return it == by_id_.end() ? nullptr : it->second;
}

FunctionPtr FunctionCache::FindCurrent(absl::string_view id_or_name) const {
  MutexLock lock(mu_);
  return Current(id_or_name);
}

std::vector<FunctionPtr> FunctionCache::List() const {
  MutexLock lock(mu_);
  std::vector<FunctionPtr> all;
  all.reserve(by_id_.size());
  for (const auto& [id, function] : by_id_) all.push_back(function);
  return all;
}

void FunctionCache::KeepVersion(const FunctionPtr& other,
                                const FunctionPtr& current) {
  if (current == nullptr || other->version() == current->version()) return;
  MutexLock lock(mu_);
  const auto it = by_id_.find(other->id());
  if (it == by_id_.end() || it->second != current) return;
  others_.remove_if([&](const FunctionPtr& f) {
    return f->version() == other->version() && f->id() == other->id();
  });
  others_.push_front(other);
  if (others_.size() > kMaxOtherVersions) others_.pop_back();
}

void FunctionCache::Subscribe(Listener& listener) {
  MutexLock delivery(delivery_mu_);
  listeners_.push_back(&listener);
  for (const FunctionPtr& function : List()) {
    listener.OnFunctionChanged(function);
  }
  if (synced()) listener.OnSynced();
}

}  // namespace so
