#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "serverless/scaler/v1/scaler.pb.h"
#include "serverless/scaler/v1/state.pb.h"

namespace SQLite {
class Database;
}

namespace so {

// Up to which event of a pool the archive is complete.
struct PoolCursor {
  std::string pool_id;
  int64_t sequence = 0;
};

// Which decisions of one function.
struct DecisionQuery {
  std::string function_id;
  // Only smaller sequence numbers; 0: all.
  int64_t before = 0;
  // Only what was decided at or after.
  absl::Time since = absl::InfinitePast();
  // At least 1.
  int limit = 100;
};

// What the scaler has decided and learned: one SQLite file. Not synced at every
// write; after a loss of power the last of it may be missing, but the file is
// whole. Blocks; not thread-safe.
class ArchiveDatabase {
 public:
  using Decision = serverless::scaler::v1::Decision;
  using LearnedFunction = serverless::scaler::v1::LearnedFunction;

  // Opens or creates `directory`/scaler.db, and the directory. A file that is
  // damaged, or of a younger release, is put aside under another name: what is
  // in it is worth less than scaling. Keeps at most `decisions_kept` decisions.
  // The cause when the directory cannot be written.
  static absl::StatusOr<std::unique_ptr<ArchiveDatabase>> Open(
      const std::string& directory, int decisions_kept);
  ~ArchiveDatabase();

  // What was learned, from a file that a scaler may be using.
  static absl::StatusOr<std::vector<LearnedFunction>> ReadLearned(
      const std::string& path);

  // Adds decisions, which get their sequence numbers in this order, and what is
  // known of the pools along with them, or nothing at all; the oldest go.
  absl::Status Append(const std::vector<Decision>& decisions,
                      const std::optional<PoolCursor>& cursor);

  // Newest first.
  absl::StatusOr<std::vector<Decision>> List(const DecisionQuery& query);

  absl::StatusOr<std::vector<PoolCursor>> LoadCursors();

  // Replaces what was learned of each of these functions.
  absl::Status SaveLearned(const std::vector<LearnedFunction>& functions);
  absl::StatusOr<std::vector<LearnedFunction>> LoadLearned();

  // Drops what was learned of a function and decided about it.
  absl::Status Forget(const std::string& function_id);

 private:
  ArchiveDatabase(std::unique_ptr<SQLite::Database> database,
                  int decisions_kept);

  void Trim();

  const std::unique_ptr<SQLite::Database> database_;
  const int decisions_kept_;
  // Decisions added since the oldest were dropped.
  int untrimmed_ = 0;
};

}  // namespace so
