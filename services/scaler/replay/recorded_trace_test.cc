#include "services/scaler/replay/recorded_trace.h"

#include <filesystem>

#include "base/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/scaler/archive/database.h"

namespace so {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class RecordedTraceTest : public testing::Test {
 protected:
  RecordedTraceTest() : directory_(testing::TempDir() + "recorded-trace") {
    std::filesystem::remove_all(directory_);
    auto database = ArchiveDatabase::Open(directory_, 100);
    EXPECT_THAT(database, IsOk());
    database_ = *std::move(database);
  }

  std::string path() const { return directory_ + "/scaler.db"; }

  const std::string directory_;
  std::unique_ptr<ArchiveDatabase> database_;
};

TEST_F(RecordedTraceTest, ReadsWhatTheScalerHasSaved) {
  serverless::scaler::v1::LearnedFunction one;
  one.set_function_id("fn-1");
  auto& minutes = *one.mutable_minutes();
  minutes.set_first(1000);
  for (const int calls : {3, 0, 5}) minutes.add_calls(calls);
  minutes.set_duration_seconds(4);
  minutes.set_memory_mb(256);
  serverless::scaler::v1::LearnedFunction other;
  other.set_function_id("fn-2");
  other.mutable_minutes()->set_first(1002);
  other.mutable_minutes()->add_calls(1);
  other.mutable_minutes()->add_calls(2);
  SO_ASSERT_OK(database_->SaveLearned({one, other}));

  // While it is in use.
  const auto trace = ReadRecordedTrace(path(), {});
  SO_ASSERT_OK(trace);
  EXPECT_EQ(trace->minutes, 4);
  ASSERT_THAT(trace->functions, SizeIs(2));
  const TraceFunction& first = trace->functions[0];
  EXPECT_EQ(first.name, "fn-1");
  ASSERT_THAT(first.minutes, SizeIs(2));
  EXPECT_EQ(first.minutes[1].minute, 2);
  EXPECT_EQ(first.minutes[1].calls, 5u);
  EXPECT_EQ(first.duration, absl::Milliseconds(500));
  EXPECT_EQ(first.memory_gb, 0.25);
  const TraceFunction& second = trace->functions[1];
  EXPECT_EQ(second.minutes[0].minute, 2);
  EXPECT_EQ(second.duration, TraceDefaults().duration);
  EXPECT_EQ(trace->known_durations, 1);
}

TEST_F(RecordedTraceTest, NothingOnRecordIsSaid) {
  EXPECT_THAT(std::string(ReadRecordedTrace(path(), {}).status().message()),
              HasSubstr("no calls are on record"));
}

TEST_F(RecordedTraceTest, FileThatIsNoArchiveIsNamed) {
  EXPECT_THAT(
      std::string(ReadRecordedTrace("/proc/version", {}).status().message()),
      HasSubstr("/proc/version"));
}

}  // namespace
}  // namespace so
