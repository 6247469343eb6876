#include "services/scaler/archive/database.h"

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "base/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/time_util.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using google::protobuf::util::TimeUtil;
using testing::IsEmpty;
using testing::SizeIs;

class ArchiveDatabaseTest : public testing::Test {
 protected:
  ArchiveDatabaseTest()
      : directory_(absl::StrCat(
            testing::TempDir(), "archive-",
            testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(directory_);
    Reopen();
  }

  void Reopen(int kept = 100000) {
    database_ = nullptr;
    auto opened = ArchiveDatabase::Open(directory_, kept);
    SO_ASSERT_OK(opened);
    database_ = *std::move(opened);
  }

  static ArchiveDatabase::Decision Made(const std::string& function_id,
                                        int64_t second, int desired = 1) {
    ArchiveDatabase::Decision decision;
    decision.set_function_id(function_id);
    *decision.mutable_time() = TimeUtil::SecondsToTimestamp(second);
    decision.set_desired(desired);
    return decision;
  }

  std::vector<ArchiveDatabase::Decision> List(const DecisionQuery& query) {
    auto listed = database_->List(query);
    EXPECT_THAT(listed, IsOk());
    return listed.ok() ? *listed : std::vector<ArchiveDatabase::Decision>();
  }

  std::string directory_;
  std::unique_ptr<ArchiveDatabase> database_;
};

TEST_F(ArchiveDatabaseTest, ListsNewestFirstAndByFunction) {
  SO_ASSERT_OK(database_->Append(
      {Made("fn-1", 1, 1), Made("fn-2", 2), Made("fn-1", 3, 5)}, {}));
  const auto decisions = List({.function_id = "fn-1"});
  ASSERT_THAT(decisions, SizeIs(2));
  EXPECT_EQ(decisions[0].desired(), 5);
  EXPECT_EQ(decisions[1].desired(), 1);
  EXPECT_GT(decisions[0].sequence(), decisions[1].sequence());
  EXPECT_THAT(List({.function_id = "fn-3"}), IsEmpty());
}

TEST_F(ArchiveDatabaseTest, PagesAndBeginsAtATime) {
  for (int i = 1; i <= 10; ++i) {
    SO_ASSERT_OK(database_->Append({Made("fn-1", i, i)}, {}));
  }
  const auto page = List({.function_id = "fn-1", .limit = 4});
  ASSERT_THAT(page, SizeIs(4));
  EXPECT_EQ(page.back().desired(), 7);
  const auto next =
      List({.function_id = "fn-1",
            .before = static_cast<int64_t>(page.back().sequence()),
            .limit = 4});
  ASSERT_THAT(next, SizeIs(4));
  EXPECT_EQ(next.front().desired(), 6);
  EXPECT_THAT(List({.function_id = "fn-1", .since = absl::FromUnixSeconds(8)}),
              SizeIs(3));
}

TEST_F(ArchiveDatabaseTest, KeepsOnlyTheLatest) {
  Reopen(100);
  for (int i = 0; i < 1000; ++i) {
    SO_ASSERT_OK(database_->Append({Made("fn-1", i, i)}, {}));
  }
  const auto all = List({.function_id = "fn-1", .limit = 10000});
  // The oldest go in batches.
  EXPECT_GE(all.size(), 100u);
  EXPECT_LE(all.size(), 356u);
  EXPECT_EQ(all.front().desired(), 999);
}

TEST_F(ArchiveDatabaseTest, SurvivesARestart) {
  SO_ASSERT_OK(database_->Append({Made("fn-1", 1)},
                                 PoolCursor{.pool_id = "p", .sequence = 17}));
  SO_ASSERT_OK(database_->Append({}, PoolCursor{"p", 18}));
  ArchiveDatabase::LearnedFunction learned;
  learned.set_function_id("fn-1");
  learned.mutable_warming()->set_flaps(3);
  SO_ASSERT_OK(database_->SaveLearned({learned}));
  Reopen();
  EXPECT_THAT(List({.function_id = "fn-1"}), SizeIs(1));
  const auto cursors = database_->LoadCursors();
  SO_ASSERT_OK(cursors);
  ASSERT_THAT(*cursors, SizeIs(1));
  EXPECT_EQ((*cursors)[0].sequence, 18);
  const auto functions = database_->LoadLearned();
  SO_ASSERT_OK(functions);
  ASSERT_THAT(*functions, SizeIs(1));
  EXPECT_EQ((*functions)[0].warming().flaps(), 3);
}

TEST_F(ArchiveDatabaseTest, ForgetsAFunction) {
  ArchiveDatabase::LearnedFunction learned;
  learned.set_function_id("fn-1");
  SO_ASSERT_OK(database_->SaveLearned({learned}));
  SO_ASSERT_OK(database_->Append({Made("fn-1", 1), Made("fn-2", 1)}, {}));
  SO_ASSERT_OK(database_->Forget("fn-1"));
  EXPECT_THAT(List({.function_id = "fn-1"}), IsEmpty());
  EXPECT_THAT(List({.function_id = "fn-2"}), SizeIs(1));
  EXPECT_THAT(*database_->LoadLearned(), IsEmpty());
}

TEST_F(ArchiveDatabaseTest, DamagedFileIsPutAside) {
  SO_ASSERT_OK(database_->Append({Made("fn-1", 1)}, {}));
  database_ = nullptr;
  std::ofstream(directory_ + "/scaler.db", std::ios::trunc) << "no database";
  Reopen();
  EXPECT_THAT(List({.function_id = "fn-1"}), IsEmpty());
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/scaler.db.unusable"));
}

TEST_F(ArchiveDatabaseTest, DirectoryThatCannotBeWrittenIsNamed) {
  const auto opened = ArchiveDatabase::Open("/proc/nowhere", 100);
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(std::string(opened.status().message()),
              testing::HasSubstr("/proc/nowhere"));
}

}  // namespace
}  // namespace so
