#include "services/registry/sqlite_database.h"

#include <fcntl.h>
#include <sqlite3.h>

#include "SQLiteCpp/Column.h"
#include "SQLiteCpp/Transaction.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "services/registry/registry_errors.h"

namespace so {
namespace {

constexpr int kSchemaVersion = 1;

// `definition` is a serialized Function. Its columns are only those that are
// searched by or must be unique.
constexpr char kCreateTables[] = R"sql(
  CREATE TABLE registry (
    singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
    revision INTEGER NOT NULL
  ) STRICT;
  INSERT INTO registry VALUES (1, 0);

  CREATE TABLE functions (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    last_version INTEGER NOT NULL,
    definition BLOB NOT NULL
  ) STRICT;

  CREATE TABLE versions (
    function_id TEXT NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    code_sha256 TEXT NOT NULL,
    definition BLOB NOT NULL,
    PRIMARY KEY (function_id, version)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX versions_by_code ON versions (code_sha256);
)sql";

absl::Status Migrate(SQLite::Database& database) {
  const int version = database.execAndGet("PRAGMA user_version").getInt();
  if (version > kSchemaVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("the database has schema ", version,
                     ", this release knows ", kSchemaVersion));
  }
  if (version == kSchemaVersion) return absl::OkStatus();
  SQLite::Transaction transaction(database);
  database.exec(kCreateTables);
  database.exec(absl::StrCat("PRAGMA user_version = ", kSchemaVersion));
  transaction.commit();
  return absl::OkStatus();
}

}  // namespace

absl::Status PrepareDatabase(SQLite::Database& database) {
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = FULL");
  database.exec("PRAGMA foreign_keys = ON");
  if (database.execAndGet("PRAGMA quick_check").getString() != "ok") {
    return absl::DataLossError("the database is damaged");
  }
  return Migrate(database);
}

absl::Status MakePrivateFile(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  return fd.valid() ? absl::OkStatus() : StorageFullError();
}

absl::Status FromSqlite(const SQLite::Exception& exception) {
  Logger("REGISTRY")
      .Error("database failure",
             {{"sqlite_code", exception.getErrorCode()},
              {"sqlite_extended_code", exception.getExtendedErrorCode()},
              {"sqlite_message", exception.what()}});
  switch (exception.getErrorCode()) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return StorageFullError();
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError("the database is damaged");
    default:
      return absl::InternalError("the database failed");
  }
}

}  // namespace so
