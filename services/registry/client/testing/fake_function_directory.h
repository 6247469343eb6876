#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/registry/client/function_directory.h"

namespace so {

// A directory filled by hand. Answers everything before returning. Not
// thread-safe.
class FakeFunctionDirectory final : public FunctionDirectory {
 public:
  // Adds or replaces, and tells the listeners.
  void Put(serverless::function::v1::Function function) {
    auto shared =
        std::make_shared<const serverless::function::v1::Function>(function);
    functions_[function.id()] = shared;
    versions_[absl::StrCat(function.id(), ":", function.version())] = shared;
    for (Listener* listener : listeners_) listener->OnFunctionChanged(shared);
  }
  void Delete(const std::string& id) {
    if (functions_.erase(id) == 0) return;
    for (Listener* listener : listeners_) listener->OnFunctionDeleted(id);
  }

  void Resolve(
      absl::string_view reference,
      absl::AnyInvocable<void(absl::StatusOr<FunctionPtr>)> done) override {
    const std::string key(reference);
    if (const auto it = versions_.find(key); it != versions_.end()) {
      done(it->second);
      return;
    }
    for (const auto& [id, function] : functions_) {
      if (id == key || function->name() == key) {
        done(function);
        return;
      }
    }
    done(absl::NotFoundError(absl::StrCat("no function ", key)));
  }
  FunctionPtr Find(absl::string_view function_id) const override {
    const auto it = functions_.find(std::string(function_id));
    return it == functions_.end() ? nullptr : it->second;
  }
  std::vector<FunctionPtr> List() const override {
    std::vector<FunctionPtr> all;
    for (const auto& [id, function] : functions_) all.push_back(function);
    return all;
  }
  void Subscribe(Listener& listener) override {
    listeners_.push_back(&listener);
    for (const auto& [id, function] : functions_) {
      listener.OnFunctionChanged(function);
    }
  }
  bool synced() const override { return true; }

 private:
  std::map<std::string, FunctionPtr> functions_;
  std::map<std::string, FunctionPtr> versions_;
  std::vector<Listener*> listeners_;
};

}  // namespace so
