#include "services/scaler/archive/archive.h"

#include <utility>

namespace so {

Archive::Archive(std::unique_ptr<ArchiveDatabase> database, Executor& executor)
    : database_(std::move(database)), executor_(executor) {}

void Archive::Record(std::vector<Decision> decisions) {
  if (decisions.empty()) return;
  Post([decisions = std::move(decisions)](ArchiveDatabase& database) {
    return database.Append(decisions, std::nullopt);
  });
}

void Archive::RecordEvents(std::vector<Decision> decisions, PoolCursor cursor) {
  Post([decisions = std::move(decisions),
        cursor = std::move(cursor)](ArchiveDatabase& database) {
    return database.Append(decisions, cursor);
  });
}

void Archive::Save(std::vector<LearnedFunction> functions) {
  if (functions.empty()) return;
  Post([functions = std::move(functions)](ArchiveDatabase& database) {
    return database.SaveLearned(functions);
  });
}

void Archive::Forget(std::string function_id) {
  Post([function_id = std::move(function_id)](ArchiveDatabase& database) {
    return database.Forget(function_id);
  });
}

void Archive::List(DecisionQuery query, Listed done) {
  executor_.Post(
      [this, query = std::move(query), done = std::move(done)]() mutable {
        done(database_->List(query));
      });
}

void Archive::Post(absl::AnyInvocable<absl::Status(ArchiveDatabase&)> work) {
  executor_.Post([this, work = std::move(work)]() mutable {
    if (const absl::Status status = work(*database_); !status.ok()) {
      log_.Error("cannot write the archive", {{"problem", status.message()}});
    }
  });
}

}  // namespace so
