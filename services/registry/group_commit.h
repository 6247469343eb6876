#pragma once

#include <memory>
#include <vector>

#include "services/registry/change_feed.h"
#include "services/registry/function_index.h"
#include "services/registry/function_store.h"
#include "services/registry/write_queue.h"

namespace so {

// Makes a group of mutations durable in one transaction, then visible, then
// answered: in memory first, then to watchers, then to the callers, so that
// what a client is told is true everywhere soon after, and never untrue. Used
// by the writer thread only; all three are borrowed.
class GroupCommit {
 public:
  GroupCommit(FunctionStore& store, FunctionIndex& index, ChangeFeed& feed)
      : store_(store), index_(index), feed_(feed) {}

  // A mutation that is refused, or that the store does not take, leaves the
  // others alone. When the commit fails, all of them get its error.
  void Run(std::vector<Mutation> group);

 private:
  using Results = std::vector<absl::StatusOr<FunctionPtr>>;

  Results Write(std::vector<Mutation>& group);
  absl::StatusOr<FunctionPtr> WriteOne(Mutation& mutation,
                                       StagedFunctions& staged,
                                       FunctionStore::Group& transaction);

  FunctionStore& store_;
  FunctionIndex& index_;
  ChangeFeed& feed_;
};

}  // namespace so
