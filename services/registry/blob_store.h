#pragma once

#include <memory>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"

namespace so {

// Code on disk, by content: <directory>/ab/abcdef..., mode 0600. What Put has
// accepted survives a power cut. Thread-safe.
class BlobStore {
 public:
  // What a sweep found.
  struct Sweep {
    int removed = 0;
    // Blobs that are referred to and not there: someone else's hand.
    int missing = 0;
  };

  // Creates `directory` when it is missing; its parent must be there.
  static absl::StatusOr<std::unique_ptr<BlobStore>> Open(std::string directory);

  // Removes what `referenced` does not name, unfinished files included. Called
  // at the start, before anything is put.
  absl::StatusOr<Sweep> RemoveOthers(
      const absl::flat_hash_set<std::string>& referenced);

  // RESOURCE_EXHAUSTED (STORAGE_FULL) when the disk does not take it.
  absl::Status Put(const std::string& sha256, absl::string_view content)
      ABSL_LOCKS_EXCLUDED(mu_);

  // NOT_FOUND; DATA_LOSS when the content is not what it was.
  absl::StatusOr<std::string> Get(const std::string& sha256) const;

 private:
  explicit BlobStore(std::string directory)
      : directory_(std::move(directory)) {}

  std::string FolderOf(const std::string& sha256) const;
  bool IsDurable(const std::string& sha256) const ABSL_LOCKS_EXCLUDED(mu_);

  const std::string directory_;
  mutable Mutex mu_;
  // Blobs known to survive a power cut, so that they need not be written again.
  absl::flat_hash_set<std::string> durable_ ABSL_GUARDED_BY(mu_);
};

}  // namespace so
