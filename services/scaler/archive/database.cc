#include "services/scaler/archive/database.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "SQLiteCpp/Database.h"
#include "SQLiteCpp/Exception.h"
#include "SQLiteCpp/Statement.h"
#include "SQLiteCpp/Transaction.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "google/protobuf/util/time_util.h"

namespace so {
namespace {

using google::protobuf::util::TimeUtil;
using Decision = ArchiveDatabase::Decision;
using LearnedFunction = ArchiveDatabase::LearnedFunction;

constexpr int kSchemaVersion = 1;
// The oldest decisions are dropped after so many new ones.
constexpr int kTrimEvery = 256;
constexpr int kBusyTimeoutMs = 2000;

// AUTOINCREMENT: a sequence number is never used again.
constexpr char kCreateTables[] = R"sql(
  CREATE TABLE decisions (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    function_id TEXT NOT NULL,
    time INTEGER NOT NULL,
    decision BLOB NOT NULL
  ) STRICT;
  CREATE INDEX decisions_by_function ON decisions (function_id, sequence);

  CREATE TABLE learned (
    function_id TEXT PRIMARY KEY,
    learned BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE pools (
    pool_id TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL
  ) STRICT;
)sql";

template <typename Body>
auto CatchSqlite(Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const SQLite::Exception& exception) {
    return absl::InternalError(
        absl::StrCat("the archive failed: ", exception.what()));
  }
}

absl::Status Prepare(SQLite::Database& database) {
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = NORMAL");
  if (database.execAndGet("PRAGMA quick_check").getString() != "ok") {
    return absl::DataLossError("it is damaged");
  }
  const int version = database.execAndGet("PRAGMA user_version").getInt();
  if (version == kSchemaVersion) return absl::OkStatus();
  if (version != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("it has schema ", version));
  }
  SQLite::Transaction transaction(database);
  database.exec(kCreateTables);
  database.exec(absl::StrCat("PRAGMA user_version = ", kSchemaVersion));
  transaction.commit();
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<SQLite::Database>> OpenFile(
    const std::string& path) {
  return CatchSqlite(
      [&]() -> absl::StatusOr<std::unique_ptr<SQLite::Database>> {
        auto database = std::make_unique<SQLite::Database>(
            path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, kBusyTimeoutMs);
        const absl::Status status = Prepare(*database);
        if (!status.ok()) return status;
        return database;
      });
}

absl::StatusOr<std::vector<LearnedFunction>> SelectLearned(
    SQLite::Database& database) {
  SQLite::Statement select(database, "SELECT learned FROM learned");
  std::vector<LearnedFunction> functions;
  while (select.executeStep()) {
    const SQLite::Column bytes = select.getColumn(0);
    LearnedFunction function;
    // What cannot be read is learned anew.
    if (function.ParseFromArray(bytes.getBlob(), bytes.getBytes())) {
      functions.push_back(std::move(function));
    }
  }
  return functions;
}

void PutAside(const std::string& path, const absl::Status& problem) {
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::filesystem::rename(path + suffix, path + ".unusable" + suffix,
                            ignored);
  }
  Logger("AUTOSCALER")
      .Warn("archive put aside, beginning a new one",
            {{"path", path + ".unusable"}, {"problem", problem.message()}});
}

}  // namespace

ArchiveDatabase::ArchiveDatabase(std::unique_ptr<SQLite::Database> database,
                                 int decisions_kept)
    : database_(std::move(database)), decisions_kept_(decisions_kept) {}

ArchiveDatabase::~ArchiveDatabase() = default;

absl::StatusOr<std::unique_ptr<ArchiveDatabase>> ArchiveDatabase::Open(
    const std::string& directory, int decisions_kept) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return absl::UnavailableError(absl::StrCat(
        "cannot create data_dir ", directory, ": ", error.message()));
  }
  const std::string path = absl::StrCat(directory, "/scaler.db");
  auto database = OpenFile(path);
  if (!database.ok()) {
    PutAside(path, database.status());
    database = OpenFile(path);
  }
  if (!database.ok()) return database.status();
  return std::unique_ptr<ArchiveDatabase>(
      new ArchiveDatabase(*std::move(database), decisions_kept));
}

absl::Status ArchiveDatabase::Append(const std::vector<Decision>& decisions,
                                     const std::optional<PoolCursor>& cursor) {
  return CatchSqlite([&]() -> absl::Status {
    SQLite::Transaction transaction(*database_);
    SQLite::Statement insert(
        *database_,
        "INSERT INTO decisions (function_id, time, decision) VALUES (?, ?, ?)");
    for (const Decision& decision : decisions) {
      const std::string bytes = decision.SerializeAsString();
      insert.bind(1, decision.function_id());
      insert.bind(2, TimeUtil::TimestampToMicroseconds(decision.time()));
      insert.bind(3, bytes.data(), static_cast<int>(bytes.size()));
      insert.exec();
      insert.reset();
    }
    if (cursor.has_value()) {
      SQLite::Statement update(
          *database_,
          "INSERT INTO pools (pool_id, sequence) VALUES (?, ?) "
          "ON CONFLICT (pool_id) DO UPDATE SET sequence = excluded.sequence");
      update.bind(1, cursor->pool_id);
      update.bind(2, cursor->sequence);
      update.exec();
    }
    untrimmed_ += static_cast<int>(decisions.size());
    if (untrimmed_ >= kTrimEvery) Trim();
    transaction.commit();
    return absl::OkStatus();
  });
}

void ArchiveDatabase::Trim() {
  SQLite::Statement trim(*database_,
                         "DELETE FROM decisions WHERE sequence <= "
                         "(SELECT max(sequence) FROM decisions) - ?");
  trim.bind(1, decisions_kept_);
  trim.exec();
  // Of pools that were restarted: all but the latest few.
  database_->exec(
      "DELETE FROM pools WHERE rowid <= (SELECT max(rowid) FROM pools) - 100");
  untrimmed_ = 0;
}

absl::StatusOr<std::vector<Decision>> ArchiveDatabase::List(
    const DecisionQuery& query) {
  return CatchSqlite([&]() -> absl::StatusOr<std::vector<Decision>> {
    SQLite::Statement select(
        *database_,
        "SELECT sequence, decision FROM decisions WHERE function_id = ? AND "
        "sequence < ? AND time >= ? ORDER BY sequence DESC LIMIT ?");
    select.bind(1, query.function_id);
    select.bind(2, query.before > 0 ? query.before : INT64_MAX);
    select.bind(3, query.since == absl::InfinitePast()
                       ? INT64_MIN
                       : absl::ToUnixMicros(query.since));
    select.bind(4, query.limit);
    std::vector<Decision> decisions;
    while (select.executeStep()) {
      const SQLite::Column bytes = select.getColumn(1);
      Decision& decision = decisions.emplace_back();
      if (!decision.ParseFromArray(bytes.getBlob(), bytes.getBytes())) {
        return absl::DataLossError("a decision in the archive is damaged");
      }
      decision.set_sequence(select.getColumn(0).getDouble());
    }
    return decisions;
  });
}

absl::StatusOr<std::vector<PoolCursor>> ArchiveDatabase::LoadCursors() {
  return CatchSqlite([&]() -> absl::StatusOr<std::vector<PoolCursor>> {
    SQLite::Statement select(*database_, "SELECT pool_id, sequence FROM pools");
    std::vector<PoolCursor> cursors;
    while (select.executeStep()) {
      cursors.push_back({.pool_id = select.getColumn(0).getString(),
                         .sequence = select.getColumn(1).getInt64()});
    }
    return cursors;
  });
}

absl::Status ArchiveDatabase::SaveLearned(
    const std::vector<LearnedFunction>& functions) {
  return CatchSqlite([&]() -> absl::Status {
    SQLite::Transaction transaction(*database_);
    SQLite::Statement replace(*database_, "REPLACE INTO learned VALUES (?, ?)");
    for (const LearnedFunction& function : functions) {
      const std::string bytes = function.SerializeAsString();
      replace.bind(1, function.function_id());
      replace.bind(2, bytes.data(), static_cast<int>(bytes.size()));
      replace.exec();
      replace.reset();
    }
    transaction.commit();
    return absl::OkStatus();
  });
}

absl::StatusOr<std::vector<LearnedFunction>> ArchiveDatabase::LoadLearned() {
  return CatchSqlite([&] { return SelectLearned(*database_); });
}

absl::StatusOr<std::vector<LearnedFunction>> ArchiveDatabase::ReadLearned(
    const std::string& path) {
  return CatchSqlite([&] {
    SQLite::Database database(path, SQLite::OPEN_READONLY, kBusyTimeoutMs);
    return SelectLearned(database);
  });
}

absl::Status ArchiveDatabase::Forget(const std::string& function_id) {
  return CatchSqlite([&]() -> absl::Status {
    SQLite::Transaction transaction(*database_);
    for (const char* sql : {"DELETE FROM decisions WHERE function_id = ?",
                            "DELETE FROM learned WHERE function_id = ?"}) {
      SQLite::Statement statement(*database_, sql);
      statement.bind(1, function_id);
      statement.exec();
    }
    transaction.commit();
    return absl::OkStatus();
  });
}

}  // namespace so
