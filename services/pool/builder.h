#pragma once

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "serverless/pool/v1/build.pb.h"
#include "services/pool/code_cache.h"
#include "services/pool/runtime_catalog.h"
#include "services/pool/task_queue.h"

namespace so {

// Says whether code can be registered: makes of it what instances run, which
// stays in the cache, and loads the handler once where the runtime allows it.
// For the loop thread.
class Builder {
 public:
  struct Dependencies {
    const RuntimeCatalog& runtimes;
    CodeCache& cache;
    // Sandboxes that handlers are loaded in.
    TaskQueue& tasks;
  };
  using OnBuilt = absl::AnyInvocable<void(
      absl::StatusOr<serverless::pool::v1::BuildResponse>)>;
  using BuildId = int64_t;

  // All borrowed. Destroy the builder before the rest, when nothing can call
  // back any more.
  explicit Builder(Dependencies dependencies) : deps_(dependencies) {}

  // `done` runs once, before this returns or later. Errors as in BuildService.
  BuildId Build(serverless::pool::v1::BuildRequest request, OnBuilt done);

  // The caller has left: answers CANCELLED. Unknown ids are ignored.
  void Cancel(BuildId id);

 private:
  struct Job {
    serverless::pool::v1::BuildRequest request;
    const Runtime* runtime = nullptr;
    OnBuilt done;
    // What it waits for; 0: not for this.
    CodeCache::MakeId making = 0;
    TaskId loading = 0;
  };

  void Made(BuildId id, absl::StatusOr<CodeCache::Made> made);
  void Load(BuildId id, const std::string& dir);
  void Loaded(BuildId id, const TaskResult& result);
  void Answer(BuildId id, absl::StatusOr<BuildReport> report);

  const Dependencies deps_;
  BuildId last_id_ = 0;
  absl::flat_hash_map<BuildId, std::unique_ptr<Job>> jobs_;
};

}  // namespace so
