#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "services/pool/code_store.h"
#include "services/pool/executor.h"
#include "services/pool/runtime_catalog.h"
#include "services/registry/client/code_source.h"

namespace so {

// Code on disk, by content: <dir>/<sha256>-<hash of the file names>, read-only,
// made once and kept, so that functions start without the registry. Directories
// appear by rename, complete or not at all. For the loop thread.
class CodeCache final : public CodeStore {
 public:
  // Where the cache works and on which threads; all borrowed but `dir`.
  struct Options {
    // Created when missing; what an earlier life left half-done is removed.
    std::string dir;
    const RuntimeCatalog& runtimes;
    // File work happens here, callbacks there.
    Executor& disk;
    Executor& loop;
  };

  static absl::StatusOr<std::unique_ptr<CodeCache>> Create(Options options,
                                                           CodeSource& source);

  void Prepare(const FunctionPtr& function, OnReady done) override;

 private:
  CodeCache(Options options, CodeSource& source);

  // Runs what waits for `path`.
  void Finish(const std::string& path, const absl::Status& status);

  const Options options_;
  CodeSource& source_;
  // What waits for a directory that is being made.
  absl::flat_hash_map<std::string, std::vector<OnReady>> waiting_;
};

// Writes `content` to every one of `files` in a new directory, which then
// appears at `path`. Fails with UNAVAILABLE.
absl::Status WriteCodeDirectory(const std::string& path,
                                const std::vector<std::string>& files,
                                const std::string& content);

}  // namespace so
