#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "base/executor.h"
#include "services/pool/code_maker.h"
#include "services/pool/code_store.h"
#include "services/pool/runtime_catalog.h"
#include "services/registry/client/code_source.h"

namespace so {

// Code on disk, by content: <dir>/<sha256>-<hash of what else it depends on>,
// read-only, made once and kept, so that functions start without the registry
// and without being built. What is missing, because it was registered through
// another node or the disk was lost, is fetched and made again. For the loop
// thread.
class CodeCache final : public CodeStore {
 public:
  // Where the cache works and on which threads; all borrowed but `dir`.
  struct Options {
    // Created when missing; what an earlier life left half-done is removed.
    std::string dir;
    const RuntimeCatalog& runtimes;
    // Sandboxes for unpacking, and for builds.
    TaskQueue& tasks;
    TaskQueue& builds;
    // File work happens here, callbacks there.
    Executor& disk;
    Executor& loop;
  };

  static absl::StatusOr<std::unique_ptr<CodeCache>> Create(Options options,
                                                           CodeSource& source);

  void Prepare(const FunctionPtr& function, OnReady done) override;

  // A directory, or what is wrong with the code.
  struct Made {
    std::string dir;
    BuildReport report;
  };
  using OnMade = absl::AnyInvocable<void(absl::StatusOr<Made>)>;
  using MakeId = int64_t;

  // Makes the directory of `code`, which is fetched by its hash when it is not
  // given. `done` runs before this returns or later. Those who want the same at
  // the same time share the work.
  MakeId Make(const Runtime& runtime, const std::string& handler,
              const std::string& sha256, std::optional<Code> code, OnMade done);
  // Its `done` will not run; the work ends when nobody else waits for it.
  void Cancel(MakeId id);

 private:
  struct Waiting {
    MakeId id;
    OnMade done;
  };

  CodeCache(Options options, CodeSource& source);

  void MakeFrom(const std::string& path, const Runtime& runtime,
                const std::string& handler, std::vector<std::string> files,
                Code code);
  // Runs what waits for `path`.
  void Finish(const std::string& path, absl::StatusOr<BuildReport> report);

  const Options options_;
  CodeSource& source_;
  CodeMaker maker_;
  // Gone when the cache is; looked at on the loop thread.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  MakeId last_id_ = 0;
  // What waits for a directory that is being made.
  absl::flat_hash_map<std::string, std::vector<Waiting>> waiting_;
};

}  // namespace so
