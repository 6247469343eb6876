#include "services/registry/group_commit.h"

#include <utility>

#include "base/status_macros.h"

namespace so {

void GroupCommit::Run(std::vector<Mutation> group) {
  Results results = Write(group);
  for (size_t i = 0; i < group.size(); ++i) {
    group[i].done(std::move(results[i]));
  }
}

GroupCommit::Results GroupCommit::Write(std::vector<Mutation>& group) {
  auto transaction = store_.Begin();
  if (!transaction.ok()) return Results(group.size(), transaction.status());
  StagedFunctions staged(index_);
  Results results;
  for (Mutation& mutation : group) {
    results.push_back(WriteOne(mutation, staged, **transaction));
  }
  if (staged.empty()) return results;

  ChangeSet changes = staged.Changes(index_.revision() + 1);
  const absl::Status committed = (*transaction)->Commit(changes.revision);
  if (!committed.ok()) return Results(group.size(), committed);
  index_.Apply(changes);
  feed_.Publish(std::move(changes));
  return results;
}

absl::StatusOr<FunctionPtr> GroupCommit::WriteOne(
    Mutation& mutation, StagedFunctions& staged,
    FunctionStore::Group& transaction) {
  SO_ASSIGN_OR_RETURN(FunctionChange change, mutation.decide(staged));
  const FunctionPtr function = change.record.function;
  if (change.deleted) {
    SO_RETURN_IF_ERROR(transaction.Delete(function->id()));
    staged.Delete(*function);
  } else {
    SO_RETURN_IF_ERROR(transaction.Put(
        change.record,
        change.new_version.has_value() ? &*change.new_version : nullptr));
    staged.Put(std::move(change.record));
  }
  return function;
}

}  // namespace so
