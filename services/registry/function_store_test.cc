#include "services/registry/function_store.h"

#include <filesystem>
#include <fstream>

#include "SQLiteCpp/Column.h"
#include "absl/strings/str_cat.h"
#include "base/testing/status_matchers.h"
#include "services/registry/client/sha256.h"
#include "services/registry/function_edits.h"
#include "services/registry/sqlite_database.h"
#include "services/registry/sqlite_function_store.h"
#include "services/registry/testing/functions.h"
#include "services/registry/testing/temp_dir.h"

namespace so {
namespace {

namespace fs = std::filesystem;

FunctionRecord Record(absl::string_view name, int version = 1) {
  Function function = ValidFunction(name);
  function.set_id(absl::StrCat("fn-", name));
  function.set_version(version);
  function.set_code_sha256(Sha256Hex(function.code()));
  function.clear_code();
  (*function.mutable_environment())["KEY"] = "secret";
  return {.function = std::make_shared<const Function>(function),
          .last_version = version};
}

// The contract of FunctionStore.
class FunctionStoreTest : public testing::Test {
 protected:
  FunctionStoreTest() { Open(); }

  void Open() {
    store_ = nullptr;
    auto opened = SqliteFunctionStore::Create(dir_.path());
    ASSERT_THAT(opened, IsOk());
    store_ = *std::move(opened);
  }
  FunctionStore::Contents Contents() { return *store_->Load(); }
  absl::Status PutInto(FunctionStore::Group& group,
                       const FunctionRecord& record) {
    const Function version = VersionOf(*record.function, absl::UnixEpoch());
    return group.Put(record, &version);
  }
  // Puts a function by itself, with its code.
  void Put(const FunctionRecord& record, int64_t revision) {
    const std::string code = ValidFunction("x").code();
    SO_ASSERT_OK(store_->PutCode(Sha256Hex(code), code));
    auto group = store_->Begin();
    SO_ASSERT_OK(group);
    SO_ASSERT_OK(PutInto(**group, record));
    SO_ASSERT_OK((*group)->Commit(revision));
  }

  TempDir dir_;
  std::unique_ptr<FunctionStore> store_;
};

TEST_F(FunctionStoreTest, IsEmptyAtFirst) {
  EXPECT_EQ(Contents().revision, 0);
  EXPECT_TRUE(Contents().functions.empty());
}

TEST_F(FunctionStoreTest, KeepsFunctionsVersionsAndCodeAcrossReopening) {
  Put(Record("hello"), 7);
  Put(Record("hello", 2), 8);
  Open();
  EXPECT_EQ(Contents().revision, 8);
  ASSERT_EQ(Contents().functions.size(), 1u);
  const FunctionRecord stored = Contents().functions[0];
  EXPECT_EQ(stored.last_version, 2);
  EXPECT_EQ(stored.function->SerializeAsString(),
            Record("hello", 2).function->SerializeAsString());
  const auto versions = store_->ReadVersions("fn-hello", 1000, 10);
  SO_ASSERT_OK(versions);
  ASSERT_EQ(versions->size(), 2u);
  EXPECT_EQ((*versions)[0].version(), 2);
  EXPECT_EQ((*versions)[1].version(), 1);
  EXPECT_EQ(*store_->ReadCode(stored.function->code_sha256()),
            ValidFunction("x").code());
}

TEST_F(FunctionStoreTest, ReadsVersionsBelowAndOneByOne) {
  for (int v = 1; v <= 5; ++v) Put(Record("hello", v), v);
  const auto versions = store_->ReadVersions("fn-hello", 4, 2);
  ASSERT_EQ(versions->size(), 2u);
  EXPECT_EQ((*versions)[0].version(), 3);
  EXPECT_EQ(store_->ReadVersion("fn-hello", 4)->version(), 4);
  EXPECT_THAT(store_->ReadVersion("fn-hello", 6),
              HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(store_->ReadVersion("fn-other", 1),
              HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(
      store_->ReadVersion("fn-hello", std::numeric_limits<int32_t>::max()),
      HasCode(absl::StatusCode::kNotFound));
}

TEST_F(FunctionStoreTest, DeleteTakesVersionsAlong) {
  Put(Record("hello"), 1);
  auto group = store_->Begin();
  SO_ASSERT_OK((*group)->Delete("fn-hello"));
  SO_ASSERT_OK((*group)->Commit(2));
  group->reset();
  EXPECT_TRUE(Contents().functions.empty());
  EXPECT_TRUE(store_->ReadVersions("fn-hello", 10, 10)->empty());
  EXPECT_THAT(store_->ReadCode(Record("hello").function->code_sha256()),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_F(FunctionStoreTest, GroupWithoutCommitLeavesNoTrace) {
  {
    auto group = store_->Begin();
    SO_ASSERT_OK(PutInto(**group, Record("hello")));
  }
  EXPECT_TRUE(Contents().functions.empty());
  Put(Record("hello"), 1);
  EXPECT_EQ(Contents().functions.size(), 1u);
}

TEST_F(FunctionStoreTest, FailedPutLeavesTheOthersAlone) {
  {
    auto group = store_->Begin();
    SO_ASSERT_OK(PutInto(**group, Record("a")));
    // The same version once more: its function is not touched either.
    FunctionRecord twice = Record("a");
    twice.last_version = 99;
    EXPECT_FALSE(PutInto(**group, twice).ok());
    SO_ASSERT_OK(PutInto(**group, Record("b")));
    SO_ASSERT_OK((*group)->Commit(1));
  }
  ASSERT_EQ(Contents().functions.size(), 2u);
  EXPECT_EQ(Contents().functions[0].last_version, 1);
}

TEST_F(FunctionStoreTest, ReadersSeeNothingUncommittedAndDoNotWait) {
  auto group = store_->Begin();
  SO_ASSERT_OK(PutInto(**group, Record("a")));
  EXPECT_TRUE(Contents().functions.empty());
  EXPECT_TRUE(store_->ReadVersions("fn-a", 10, 10)->empty());
}

// What is particular to files on a disk.
class SqliteFunctionStoreTest : public FunctionStoreTest {
 protected:
  std::string BlobPath(const std::string& sha256) const {
    return absl::StrCat(dir_.path(), "/blobs/", sha256.substr(0, 2), "/",
                        sha256);
  }
};

TEST_F(SqliteFunctionStoreTest, IsPrivate) {
  Put(Record("hello"), 1);
  const auto mode = [](const std::string& path) {
    return fs::status(path).permissions();
  };
  const auto owner_file = fs::perms::owner_read | fs::perms::owner_write;
  EXPECT_EQ(mode(dir_.path()), fs::perms::owner_all);
  EXPECT_EQ(mode(dir_.path() + "/registry.db"), owner_file);
  EXPECT_EQ(mode(dir_.path() + "/registry.db-wal"), owner_file);
  EXPECT_EQ(mode(BlobPath(Sha256Hex(ValidFunction("x").code()))), owner_file);
}

TEST_F(SqliteFunctionStoreTest, SurvivesBeingKilled) {
  Put(Record("hello"), 3);
  // What a killed process leaves behind: the files as they are now.
  TempDir copy;
  fs::copy(dir_.path(), copy.path(), fs::copy_options::recursive);
  auto after = SqliteFunctionStore::Create(copy.path());
  SO_ASSERT_OK(after);
  EXPECT_EQ((*after)->Load()->revision, 3);
  EXPECT_EQ((*after)->Load()->functions.size(), 1u);
  SO_EXPECT_OK((*after)->ReadCode(Record("hello").function->code_sha256()));
}

TEST_F(SqliteFunctionStoreTest, SweepsCodeWithoutVersionAndUnfinishedFiles) {
  Put(Record("hello"), 1);
  SO_ASSERT_OK(store_->PutCode(Sha256Hex("orphan"), "orphan"));
  const std::string kept = BlobPath(Record("hello").function->code_sha256());
  const std::string unfinished = kept + "-unfinished";
  std::ofstream(unfinished) << "half";
  ASSERT_TRUE(fs::exists(BlobPath(Sha256Hex("orphan"))));
  Open();
  EXPECT_FALSE(fs::exists(BlobPath(Sha256Hex("orphan"))));
  EXPECT_FALSE(fs::exists(unfinished));
  EXPECT_TRUE(fs::exists(kept));
}

TEST_F(SqliteFunctionStoreTest, SweptCodeCanBePutAgain) {
  SO_ASSERT_OK(store_->PutCode(Sha256Hex("code"), "code"));
  Open();
  SO_ASSERT_OK(store_->PutCode(Sha256Hex("code"), "code"));
  EXPECT_TRUE(fs::exists(BlobPath(Sha256Hex("code"))));
}

TEST_F(SqliteFunctionStoreTest, NoticesAlteredCode) {
  Put(Record("hello"), 1);
  const std::string sha256 = Record("hello").function->code_sha256();
  std::ofstream(BlobPath(sha256)) << "something else";
  EXPECT_THAT(store_->ReadCode(sha256), HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(SqliteFunctionStoreTest, KeepsASecondRegistryOut) {
  EXPECT_THAT(SqliteFunctionStore::Create(dir_.path()),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_F(SqliteFunctionStoreTest, RefusesTheDatabaseOfAYoungerRelease) {
  store_ = nullptr;
  {
    SQLite::Database database(dir_.path() + "/registry.db",
                              SQLite::OPEN_READWRITE);
    database.exec("PRAGMA user_version = 99");
  }
  EXPECT_THAT(SqliteFunctionStore::Create(dir_.path()),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_F(SqliteFunctionStoreTest, RefusesAFileThatIsNoDatabase) {
  store_ = nullptr;
  fs::remove(dir_.path() + "/registry.db-wal");
  std::ofstream(dir_.path() + "/registry.db") << std::string(8192, 'x');
  EXPECT_THAT(SqliteFunctionStore::Create(dir_.path()),
              HasCode(absl::StatusCode::kDataLoss));
}

TEST(FromSqliteTest, DiskTroubleIsStorageFull) {
  for (const int code : {13 /* FULL */, 10 /* IOERR */, 8 /* READONLY */}) {
    const absl::Status status = FromSqlite(SQLite::Exception("x", code));
    EXPECT_THAT(status, HasCode(absl::StatusCode::kResourceExhausted));
    EXPECT_THAT(status, HasErrorCode("STORAGE_FULL"));
  }
  EXPECT_THAT(FromSqlite(SQLite::Exception("x", 1)),
              HasCode(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace so
