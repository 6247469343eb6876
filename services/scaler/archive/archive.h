#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "base/executor.h"
#include "base/log.h"
#include "services/scaler/archive/database.h"

namespace so {

// Where the scaler keeps what it must not forget. Nothing here blocks.
class ScalerMemory {
 public:
  virtual ~ScalerMemory() = default;

  virtual void Record(
      std::vector<serverless::scaler::v1::Decision> decisions) = 0;
  // Replaces what was learned of each of these functions.
  virtual void Save(
      std::vector<serverless::scaler::v1::LearnedFunction> functions) = 0;
  // Drops everything about a function.
  virtual void Forget(std::string function_id) = 0;
};

// Reads and writes the database on an executor of its own, so that nobody waits
// for the disk. What cannot be written is logged and lost. Thread-safe.
class Archive final : public ScalerMemory {
 public:
  using Decision = ArchiveDatabase::Decision;
  using LearnedFunction = ArchiveDatabase::LearnedFunction;
  using Listed =
      absl::AnyInvocable<void(absl::StatusOr<std::vector<Decision>>)>;

  // `executor` runs one piece of work at a time, is borrowed, and is stopped
  // before the archive ends.
  Archive(std::unique_ptr<ArchiveDatabase> database, Executor& executor);

  void Record(std::vector<Decision> decisions) override;
  void Save(std::vector<LearnedFunction> functions) override;
  void Forget(std::string function_id) override;
  void RecordEvents(std::vector<Decision> decisions, PoolCursor cursor);

  // Calls `done` once, on the executor.
  void List(DecisionQuery query, Listed done);

 private:
  void Post(absl::AnyInvocable<absl::Status(ArchiveDatabase&)> work);

  const std::unique_ptr<ArchiveDatabase> database_;
  Executor& executor_;
  const Logger log_{"AUTOSCALER"};
};

}  // namespace so
