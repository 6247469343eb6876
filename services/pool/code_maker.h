#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/executor.h"
#include "services/pool/build_report.h"
#include "services/pool/runtime_catalog.h"
#include "services/pool/task_queue.h"
#include "services/registry/client/code_source.h"

namespace so {

// Where a directory of code comes from.
struct CodeRecipe {
  const Runtime* runtime = nullptr;
  std::string handler;
  // Where inline code goes; none: only archives are taken.
  std::vector<std::string> files;
  Code code;
};

// Makes directories of code, ready to be run: writes inline code, unpacks
// archives and runs builds, the latter two in sandboxes. Directories appear
// complete or not at all. For the loop thread.
class CodeMaker {
 public:
  struct Dependencies {
    const RuntimeCatalog& runtimes;
    // Unpacking, and what takes longer.
    TaskQueue& tasks;
    TaskQueue& builds;
    // File work happens here, callbacks there.
    Executor& disk;
    Executor& loop;
  };
  // What is wrong with the code is a problem in the report; then there is no
  // directory. UNAVAILABLE: it could not be tried. CANCELLED.
  using OnMade = absl::AnyInvocable<void(absl::StatusOr<BuildReport>)>;

  // `dir` is where directories are made. All dependencies are borrowed; what is
  // under way when the maker is destroyed is dropped.
  CodeMaker(std::string dir, Dependencies dependencies)
      : dir_(std::move(dir)), deps_(dependencies) {}

  // Makes `path`, a name in the maker's directory, unless it is being made.
  // `done` runs later.
  void Make(const std::string& path, CodeRecipe recipe, OnMade done);

  // Gives up what is being made at `path`; its `done` runs soon.
  void Cancel(const std::string& path);

 private:
  class Job;

  const std::string dir_;
  const Dependencies deps_;
  absl::flat_hash_map<std::string, std::shared_ptr<Job>> jobs_;
  // Gone when the maker is; looked at on the loop thread.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace so
