#pragma once

#include <memory>
#include <string>
#include <vector>

#include "SQLiteCpp/Database.h"
#include "SQLiteCpp/Statement.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "services/registry/blob_store.h"
#include "services/registry/function_store.h"

namespace so {

// Functions in an SQLite database, code in files beside it:
//   <data_dir>/registry.db   one connection writes, another reads (WAL)
//   <data_dir>/blobs/        see BlobStore
//   <data_dir>/lock          keeps a second registry out
// The directory has mode 0700: environment values are stored in clear.
class SqliteFunctionStore final : public FunctionStore {
 public:
  // Creates what is missing, migrates what is old, checks what is there and
  // sweeps code that nothing refers to. FAILED_PRECONDITION when another
  // process has the directory, or a younger release wrote it.
  static absl::StatusOr<std::unique_ptr<SqliteFunctionStore>> Create(
      const std::string& data_dir);
  ~SqliteFunctionStore() override;

  absl::StatusOr<Contents> Load() override;
  absl::StatusOr<std::unique_ptr<Group>> Begin() override;
  absl::Status PutCode(const std::string& sha256,
                       absl::string_view code) override;
  absl::StatusOr<std::string> ReadCode(const std::string& sha256) override;
  absl::StatusOr<Function> ReadVersion(const std::string& function_id,
                                       int32_t version) override;
  absl::StatusOr<std::vector<Function>> ReadVersions(
      const std::string& function_id, int64_t below, int count) override;

 private:
  class Writer;
  class SqliteGroup;

  SqliteFunctionStore(UniqueFd lock, const std::string& path,
                      std::unique_ptr<BlobStore> blobs);

  absl::Status SweepBlobs();

  const UniqueFd lock_;
  // Used by the writer thread only.
  const std::unique_ptr<Writer> writer_;
  Mutex reader_mu_;
  SQLite::Database reader_ ABSL_GUARDED_BY(reader_mu_);
  const std::unique_ptr<BlobStore> blobs_;
  const Logger log_{"REGISTRY"};
};

}  // namespace so
