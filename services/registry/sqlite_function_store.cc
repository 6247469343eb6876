#include "services/registry/sqlite_function_store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>

#include <filesystem>
#include <utility>

#include "SQLiteCpp/Savepoint.h"
#include "SQLiteCpp/Transaction.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "services/registry/registry_errors.h"
#include "services/registry/sqlite_database.h"

namespace so {
namespace {

constexpr int kBusyTimeoutMs = 5000;

void BindBlob(SQLite::Statement& statement, int index,
              const std::string& bytes) {
  statement.bind(index, static_cast<const void*>(bytes.data()),
                 static_cast<int>(bytes.size()));
}

absl::StatusOr<Function> ParseDefinition(const SQLite::Column& column) {
  Function function;
  if (!function.ParseFromArray(column.getBlob(), column.getBytes())) {
    return absl::DataLossError("a stored function cannot be read");
  }
  return function;
}

// Resets a cached statement at the end of a scope, so that it can run again.
class ResetOnExit {
 public:
  explicit ResetOnExit(SQLite::Statement& statement) : statement_(statement) {}
  ~ResetOnExit() { statement_.tryReset(); }

 private:
  SQLite::Statement& statement_;
};

absl::StatusOr<UniqueFd> LockDirectory(const std::string& data_dir) {
  std::error_code error;
  std::filesystem::create_directories(data_dir, error);
  if (error) return absl::FailedPreconditionError("cannot create data_dir");
  std::filesystem::permissions(data_dir, std::filesystem::perms::owner_all,
                               error);
  UniqueFd lock(open(absl::StrCat(data_dir, "/lock").c_str(),
                     O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid()) {
    return absl::FailedPreconditionError("cannot write to data_dir");
  }
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError("another registry is using data_dir");
  }
  return lock;
}

}  // namespace

// The writing connection with its statements.
class SqliteFunctionStore::Writer {
 public:
  explicit Writer(const std::string& path)
      : database(path, SQLite::OPEN_READWRITE, kBusyTimeoutMs) {}

  // Once the tables are there.
  void Prepare() {
    put_function = std::make_unique<SQLite::Statement>(
        database,
        "INSERT INTO functions (id, name, last_version, definition) "
        "VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
        "last_version = excluded.last_version, "
        "definition = excluded.definition");
    put_version = std::make_unique<SQLite::Statement>(
        database,
        "INSERT INTO versions (function_id, version, code_sha256, definition) "
        "VALUES (?, ?, ?, ?)");
    delete_function = std::make_unique<SQLite::Statement>(
        database, "DELETE FROM functions WHERE id = ?");
    set_revision = std::make_unique<SQLite::Statement>(
        database, "UPDATE registry SET revision = ?");
  }

  SQLite::Database database;
  std::unique_ptr<SQLite::Statement> put_function;
  std::unique_ptr<SQLite::Statement> put_version;
  std::unique_ptr<SQLite::Statement> delete_function;
  std::unique_ptr<SQLite::Statement> set_revision;
};

class SqliteFunctionStore::SqliteGroup final : public FunctionStore::Group {
 public:
  explicit SqliteGroup(Writer& writer)
      : writer_(writer),
        transaction_(writer.database, SQLite::TransactionBehavior::IMMEDIATE) {}

  absl::Status Put(const FunctionRecord& record,
                   const Function* new_version) override {
    return InSavepoint([&] {
      PutFunction(record);
      if (new_version != nullptr) {
        PutVersion(record.function->id(), *new_version);
      }
    });
  }

  absl::Status Delete(const std::string& function_id) override {
    return InSavepoint([&] {
      SQLite::Statement& statement = *writer_.delete_function;
      const ResetOnExit reset(statement);
      statement.bind(1, function_id);
      statement.exec();
    });
  }

  absl::Status Commit(int64_t revision) override {
    SO_RETURN_IF_ERROR(broken_);
    return CatchSqlite([&]() -> absl::Status {
      {
        const ResetOnExit reset(*writer_.set_revision);
        writer_.set_revision->bind(1, revision);
        writer_.set_revision->exec();
      }
      transaction_.commit();
      return absl::OkStatus();
    });
  }

 private:
  template <typename Body>
  absl::Status InSavepoint(Body body) {
    SO_RETURN_IF_ERROR(broken_);
    absl::Status status = CatchSqlite([&]() -> absl::Status {
      SQLite::Savepoint savepoint(writer_.database, "mutation");
      body();
      savepoint.release();
      return absl::OkStatus();
    });
    // A full disk makes SQLite give up the whole transaction, not only the
    // statement: then nothing of this group can be committed.
    if (!status.ok() &&
        sqlite3_get_autocommit(writer_.database.getHandle()) != 0) {
      broken_ = status;
    }
    return status;
  }

  void PutFunction(const FunctionRecord& record) {
    SQLite::Statement& statement = *writer_.put_function;
    const ResetOnExit reset(statement);
    statement.bind(1, record.function->id());
    statement.bind(2, record.function->name());
    statement.bind(3, record.last_version);
    BindBlob(statement, 4, record.function->SerializeAsString());
    statement.exec();
  }

  void PutVersion(const std::string& function_id, const Function& version) {
    SQLite::Statement& statement = *writer_.put_version;
    const ResetOnExit reset(statement);
    statement.bind(1, function_id);
    statement.bind(2, version.version());
    statement.bind(3, version.code_sha256());
    BindBlob(statement, 4, version.SerializeAsString());
    statement.exec();
  }

  Writer& writer_;
  SQLite::Transaction transaction_;
  absl::Status broken_;
};

absl::StatusOr<std::unique_ptr<SqliteFunctionStore>>
SqliteFunctionStore::Create(const std::string& data_dir) {
  SO_ASSIGN_OR_RETURN(UniqueFd lock, LockDirectory(data_dir));
  SO_ASSIGN_OR_RETURN(std::unique_ptr<BlobStore> blobs,
                      BlobStore::Open(absl::StrCat(data_dir, "/blobs")));
  const std::string path = absl::StrCat(data_dir, "/registry.db");
  SO_RETURN_IF_ERROR(MakePrivateFile(path));
  using Result = absl::StatusOr<std::unique_ptr<SqliteFunctionStore>>;
  return CatchSqlite([&]() -> Result {
    std::unique_ptr<SqliteFunctionStore> store(
        new SqliteFunctionStore(std::move(lock), path, std::move(blobs)));
    SO_RETURN_IF_ERROR(PrepareDatabase(store->writer_->database));
    store->writer_->Prepare();
    SO_RETURN_IF_ERROR(store->SweepBlobs());
    return store;
  });
}

SqliteFunctionStore::SqliteFunctionStore(UniqueFd lock, const std::string& path,
                                         std::unique_ptr<BlobStore> blobs)
    : lock_(std::move(lock)),
      writer_(std::make_unique<Writer>(path)),
      reader_(path, SQLite::OPEN_READWRITE, kBusyTimeoutMs),
      blobs_(std::move(blobs)) {}

SqliteFunctionStore::~SqliteFunctionStore() = default;

absl::Status SqliteFunctionStore::SweepBlobs() {
  absl::flat_hash_set<std::string> referenced;
  {
    MutexLock lock(reader_mu_);
    SQLite::Statement query(reader_,
                            "SELECT DISTINCT code_sha256 FROM versions");
    while (query.executeStep()) {
      referenced.insert(query.getColumn(0).getString());
    }
  }
  SO_ASSIGN_OR_RETURN(const BlobStore::Sweep sweep,
                      blobs_->RemoveOthers(referenced));
  if (sweep.removed > 0) {
    log_.Info("unused code removed", {{"blobs", sweep.removed}});
  }
  if (sweep.missing > 0) {
    log_.Error("code is missing from data_dir", {{"blobs", sweep.missing}});
  }
  return absl::OkStatus();
}

absl::StatusOr<FunctionStore::Contents> SqliteFunctionStore::Load() {
  return CatchSqlite([&]() -> absl::StatusOr<Contents> {
    MutexLock lock(reader_mu_);
    const SQLite::Transaction one_view(reader_);
    Contents contents;
    SQLite::Statement revision(reader_, "SELECT revision FROM registry");
    if (revision.executeStep()) {
      contents.revision = revision.getColumn(0).getInt64();
    }
    SQLite::Statement functions(
        reader_, "SELECT definition, last_version FROM functions");
    while (functions.executeStep()) {
      SO_ASSIGN_OR_RETURN(Function function,
                          ParseDefinition(functions.getColumn(0)));
      contents.functions.push_back(
          {.function = std::make_shared<const Function>(std::move(function)),
           .last_version = functions.getColumn(1).getInt()});
    }
    return contents;
  });
}

absl::StatusOr<std::unique_ptr<FunctionStore::Group>>
SqliteFunctionStore::Begin() {
  using Result = absl::StatusOr<std::unique_ptr<Group>>;
  return CatchSqlite(
      [&]() -> Result { return std::make_unique<SqliteGroup>(*writer_); });
}

absl::Status SqliteFunctionStore::PutCode(const std::string& sha256,
                                          absl::string_view code) {
  return blobs_->Put(sha256, code);
}

absl::StatusOr<std::string> SqliteFunctionStore::ReadCode(
    const std::string& sha256) {
  const absl::Status referenced = CatchSqlite([&]() -> absl::Status {
    MutexLock lock(reader_mu_);
    SQLite::Statement query(
        reader_, "SELECT 1 FROM versions WHERE code_sha256 = ? LIMIT 1");
    query.bind(1, sha256);
    return query.executeStep()
               ? absl::OkStatus()
               : absl::NotFoundError("no version has this code");
  });
  SO_RETURN_IF_ERROR(referenced);
  absl::StatusOr<std::string> code = blobs_->Get(sha256);
  if (absl::IsNotFound(code.status())) {
    return absl::DataLossError("code of a version is missing");
  }
  return code;
}

absl::StatusOr<Function> SqliteFunctionStore::ReadVersion(
    const std::string& function_id, int32_t version) {
  SO_ASSIGN_OR_RETURN(std::vector<Function> found,
                      ReadVersions(function_id, int64_t{version} + 1, 1));
  if (found.empty() || found[0].version() != version) {
    return absl::NotFoundError("no such version");
  }
  return std::move(found[0]);
}

absl::StatusOr<std::vector<Function>> SqliteFunctionStore::ReadVersions(
    const std::string& function_id, int64_t below, int count) {
  return CatchSqlite([&]() -> absl::StatusOr<std::vector<Function>> {
    MutexLock lock(reader_mu_);
    SQLite::Statement query(
        reader_,
        "SELECT definition FROM versions WHERE function_id = ? AND version < ? "
        "ORDER BY version DESC LIMIT ?");
    query.bind(1, function_id);
    query.bind(2, below);
    query.bind(3, count);
    std::vector<Function> versions;
    while (query.executeStep()) {
      SO_ASSIGN_OR_RETURN(Function version,
                          ParseDefinition(query.getColumn(0)));
      versions.push_back(std::move(version));
    }
    return versions;
  });
}

}  // namespace so
