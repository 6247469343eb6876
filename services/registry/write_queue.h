#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "services/registry/staged_functions.h"

namespace so {

// What one write does to one function.
struct FunctionChange {
  // The function afterwards; when it is deleted, as it was before.
  FunctionRecord record;
  bool deleted = false;
  // The version that the change makes, see VersionOf.
  std::optional<Function> new_version;
};

// One write, decided and answered on the writer thread.
struct Mutation {
  // Decides against what is committed and staged; must not have effects.
  absl::AnyInvocable<absl::StatusOr<FunctionChange>(const StagedFunctions&)>
      decide;
  // Runs once, after the commit. Must not block.
  absl::AnyInvocable<void(absl::StatusOr<FunctionPtr>)> done;
};

// Lets one thread write: collects mutations and hands over all that wait as one
// group, so that many writers share one sync of the disk. Thread-safe. The
// destructor runs what is queued, then joins.
class WriteQueue {
 public:
  // Runs on the writer thread; must finish every mutation of the group.
  using RunGroup = std::function<void(std::vector<Mutation>)>;

  WriteQueue(size_t depth, RunGroup run_group);
  ~WriteQueue();

  // Answers UNAVAILABLE at once when `depth` mutations are waiting, or after
  // Close.
  void Submit(Mutation mutation) ABSL_LOCKS_EXCLUDED(mu_);

  // Refuses new mutations and waits until all others are answered.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // Bounds how long a write waits for the others of its group.
  static constexpr size_t kMaxGroup = 512;

  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<Mutation> NextGroup() ABSL_LOCKS_EXCLUDED(mu_);

  const size_t depth_;
  const RunGroup run_group_;
  Mutex mu_;
  CondVar changed_;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool running_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<Mutation> waiting_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace so
