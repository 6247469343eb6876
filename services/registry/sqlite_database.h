#pragma once

#include <string>

#include "SQLiteCpp/Database.h"
#include "SQLiteCpp/Exception.h"
#include "absl/status/status.h"

namespace so {

// Opens the registry's database for writing: WAL, every commit synced, foreign
// keys on; creates or migrates the tables; checks its integrity. Mode 0600.
// Throws SQLite::Exception. FAILED_PRECONDITION when a younger release wrote
// it, DATA_LOSS when it is damaged.
absl::Status PrepareDatabase(SQLite::Database& database);

// Creates the file with mode 0600 unless it is there.
absl::Status MakePrivateFile(const std::string& path);

// What an SQLite failure means to callers, without any SQL.
absl::Status FromSqlite(const SQLite::Exception& exception);

// Runs `body`, which returns a Status or StatusOr, and turns exceptions of
// SQLite into a status.
template <typename Body>
auto CatchSqlite(Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const SQLite::Exception& exception) {
    return FromSqlite(exception);
  }
}

}  // namespace so
