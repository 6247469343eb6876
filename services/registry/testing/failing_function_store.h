#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/registry/function_store.h"
#include "services/registry/registry_errors.h"

namespace so {

// Another store, whose commits, or writes to functions with one name, can be
// made to fail as on a full disk.
class FailingFunctionStore final : public FunctionStore {
 public:
  explicit FailingFunctionStore(FunctionStore& store) : store_(store) {}

  void FailCommits(bool fail) { fail_commits_ = fail; }
  // Set before the store is used.
  void FailPutsOf(std::string name) { bad_name_ = std::move(name); }

  absl::StatusOr<Contents> Load() override { return store_.Load(); }
  absl::StatusOr<std::unique_ptr<Group>> Begin() override {
    auto group = store_.Begin();
    if (!group.ok()) return group.status();
    return std::make_unique<FailingGroup>(*this, *std::move(group));
  }
  absl::Status PutCode(const std::string& sha256,
                       absl::string_view code) override {
    return store_.PutCode(sha256, code);
  }
  absl::StatusOr<std::string> ReadCode(const std::string& sha256) override {
    return store_.ReadCode(sha256);
  }
  absl::StatusOr<Function> ReadVersion(const std::string& function_id,
                                       int32_t version) override {
    return store_.ReadVersion(function_id, version);
  }
  absl::StatusOr<std::vector<Function>> ReadVersions(
      const std::string& function_id, int64_t below, int count) override {
    return store_.ReadVersions(function_id, below, count);
  }

 private:
  class FailingGroup final : public Group {
   public:
    FailingGroup(FailingFunctionStore& owner, std::unique_ptr<Group> group)
        : owner_(owner), group_(std::move(group)) {}
    absl::Status Put(const FunctionRecord& record,
                     const Function* new_version) override {
      if (record.function->name() == owner_.bad_name_) {
        return StorageFullError();
      }
      return group_->Put(record, new_version);
    }
    absl::Status Delete(const std::string& function_id) override {
      return group_->Delete(function_id);
    }
    absl::Status Commit(int64_t revision) override {
      if (owner_.fail_commits_) return StorageFullError();
      return group_->Commit(revision);
    }

   private:
    FailingFunctionStore& owner_;
    const std::unique_ptr<Group> group_;
  };

  FunctionStore& store_;
  std::string bad_name_;
  std::atomic<bool> fail_commits_ = false;
};

}  // namespace so
