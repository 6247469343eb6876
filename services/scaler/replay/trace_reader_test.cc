#include "services/scaler/replay/trace_reader.h"

#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "base/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::optional<CsvReader> Reader(const char* name, const char* text) {
  if (text == nullptr) return std::nullopt;
  return CsvReader(name, FromString(text));
}

absl::StatusOr<Trace> Read(const char* invocations,
                           const char* durations = nullptr,
                           const char* memory = nullptr) {
  return ReadTrace(CsvReader("calls.csv", FromString(invocations)),
                   Reader("durations.csv", durations),
                   Reader("memory.csv", memory), TraceDefaults());
}

constexpr char kTwoFunctions[] =
    "HashOwner,HashApp,HashFunction,Trigger,480,481,482\n"
    "o,a1,f1,http,0,3,1\n"
    "o,a2,f2,timer,0,0,0\n";

TEST(TraceReaderTest, ReadsCallsByTheMinute) {
  const auto trace = Read(kTwoFunctions);
  SO_ASSERT_OK(trace);
  EXPECT_EQ(trace->minutes, 3);
  ASSERT_EQ(trace->functions.size(), 2u);
  const TraceFunction& first = trace->functions[0];
  EXPECT_EQ(first.name, "f1");
  ASSERT_EQ(first.minutes.size(), 2u);
  EXPECT_EQ(first.minutes[0].minute, 1);
  EXPECT_EQ(first.minutes[0].calls, 3u);
  EXPECT_EQ(first.minutes[1].minute, 2);
  EXPECT_EQ(first.duration, TraceDefaults().duration);
  EXPECT_EQ(first.memory_gb, TraceDefaults().memory_gb);
  EXPECT_THAT(trace->functions[1].minutes, IsEmpty());
}

TEST(TraceReaderTest, DurationsAndMemoryAreFoundByName) {
  const auto trace =
      Read(kTwoFunctions, "HashFunction,Average,Count\nf2,7.5,1\nf1,20,9\n",
           "HashFunction,HashApp,AverageAllocatedMb\nf1,a1,250\n");
  SO_ASSERT_OK(trace);
  EXPECT_EQ(trace->functions[0].duration, absl::Milliseconds(20));
  EXPECT_EQ(trace->functions[1].duration, absl::Milliseconds(7.5));
  EXPECT_DOUBLE_EQ(trace->functions[0].memory_gb, 0.25);
  EXPECT_EQ(trace->known_durations, 2);
  EXPECT_EQ(trace->known_memory, 1);
}

TEST(TraceReaderTest, MemoryMayBeThatOfApps) {
  const auto trace = Read(kTwoFunctions, nullptr,
                          "HashOwner,HashApp,AverageAllocatedMb\no,a2,500\n");
  SO_ASSERT_OK(trace);
  EXPECT_DOUBLE_EQ(trace->functions[1].memory_gb, 0.5);
}

TEST(TraceReaderTest, WhatWasNotMeasuredIsTheDefault) {
  const auto trace = Read(kTwoFunctions, "HashFunction,Average\nf1,-1\nf2,0\n");
  SO_ASSERT_OK(trace);
  EXPECT_EQ(trace->functions[0].duration, TraceDefaults().duration);
  EXPECT_EQ(trace->known_durations, 0);
}

TEST(TraceReaderTest, ProblemsNameFileAndLine) {
  struct Case {
    const char* invocations;
    const char* durations;
    const char* problem;
  };
  for (const Case& c : std::vector<Case>{
           {"HashApp,1,2\n", nullptr, "calls.csv:1: no column HashFunction"},
           {"HashFunction,Trigger\n", nullptr,
            "calls.csv:1: no columns of minutes"},
           {"HashFunction,1,3\n", nullptr,
            "calls.csv:1: minute 3 does not follow 1"},
           {"HashFunction,1\nf,-1\n", nullptr,
            "calls.csv:2: minute 1 is not a number from 0 to 10000000"},
           {"HashFunction,1\nf,1\ng,1e3\n", nullptr, "calls.csv:3: minute 1"},
           {"HashFunction,1\nf,10000001\n", nullptr, "calls.csv:2: minute 1"},
           {"HashFunction,1\n,1\n", nullptr,
            "calls.csv:2: HashFunction is empty"},
           {kTwoFunctions, "HashFunction,Mean\nf1,1\n",
            "durations.csv:1: no column Average"},
           {kTwoFunctions, "Name,Average\nf1,1\n",
            "durations.csv:1: no column HashFunction or HashApp"},
           {kTwoFunctions, "HashFunction,Average\nf1,1\nf2,nan\n",
            "durations.csv:3: Average is not a number"},
           {kTwoFunctions, "HashFunction,Average\nf1,1e30\n",
            "durations.csv:2: Average is not a number"},
       }) {
    const auto trace = Read(c.invocations, c.durations);
    EXPECT_THAT(trace, HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(trace.status().message(), HasSubstr(c.problem));
  }
}

TEST(TraceReaderTest, MoreCallsThanAReplayCanFollowAreRefused) {
  std::string text = "HashFunction,1\n";
  for (int i = 0; i < 101; ++i) text += "f,10000000\n";
  const auto trace = Read(text.c_str());
  EXPECT_THAT(trace.status().message(),
              HasSubstr("calls.csv:102: more than 1000000000 calls"));
}

TEST(TraceReaderTest, AnyBytesAreReadOrRefused) {
  std::mt19937_64 random(9);
  const std::string original = kTwoFunctions;
  int refused = 0;
  for (int i = 0; i < 5000; ++i) {
    std::string text = original;
    for (int n = 1 + random() % 4; n > 0; --n) {
      const size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, random() % 8);
          break;
        default:
          text.insert(at, text.substr(random() % text.size(), 9));
      }
      if (text.empty()) text = "\n";
    }
    const auto trace = ReadTrace(CsvReader("t", FromString(text)), std::nullopt,
                                 std::nullopt, TraceDefaults());
    if (!trace.ok()) ++refused;
  }
  EXPECT_GT(refused, 1000);
}

class TraceFilesTest : public testing::Test {
 protected:
  TraceFilesTest() {
    std::string pattern = testing::TempDir() + "/trace.XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  ~TraceFilesTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) { return folder_ + "/" + name; }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(Path(name)) << text;
    return Path(name);
  }

  std::string WritePacked(const std::string& name, const std::string& text) {
    gzFile file = gzopen(Path(name).c_str(), "wb");
    gzwrite(file, text.data(), text.size());
    gzclose(file);
    return Path(name);
  }

  std::string folder_;
};

TEST_F(TraceFilesTest, FilesBesideAreFound) {
  const std::string calls = WritePacked("x_invocations.csv.gz", kTwoFunctions);
  WritePacked("x_durations.csv.gz", "HashFunction,Average\nf1,20\n");
  Write("x_memory.csv", "HashFunction,AverageAllocatedMb\nf1,250\n");
  const TraceFiles files = FindTraceFiles(calls);
  EXPECT_EQ(files.durations, Path("x_durations.csv.gz"));
  EXPECT_EQ(files.memory, Path("x_memory.csv"));
  const auto trace = ReadTrace(files, TraceDefaults());
  SO_ASSERT_OK(trace);
  EXPECT_EQ(trace->functions[0].duration, absl::Milliseconds(20));
  EXPECT_DOUBLE_EQ(trace->functions[0].memory_gb, 0.25);
}

TEST_F(TraceFilesTest, NamesOfTheAzureTracesAreKnown) {
  const std::string calls =
      Write("invocations_per_function_md.anon.d01.csv", kTwoFunctions);
  Write("function_durations_percentiles.anon.d01.csv", "");
  Write("app_memory_percentiles.anon.d01.csv", "");
  const TraceFiles files = FindTraceFiles(calls);
  EXPECT_EQ(files.durations,
            Path("function_durations_percentiles.anon.d01.csv"));
  EXPECT_EQ(files.memory, Path("app_memory_percentiles.anon.d01.csv"));
}

TEST_F(TraceFilesTest, NothingBesideIsNothing) {
  const TraceFiles files = FindTraceFiles(Write("calls.csv", kTwoFunctions));
  EXPECT_EQ(files.durations, "");
  EXPECT_EQ(files.memory, "");
  SO_EXPECT_OK(ReadTrace(files, TraceDefaults()));
}

TEST_F(TraceFilesTest, MissingFileIsNamed) {
  const auto trace = ReadTrace({.invocations = Path("none.csv")}, {});
  EXPECT_THAT(trace, HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(trace.status().message(), HasSubstr("none.csv"));
}

TEST_F(TraceFilesTest, TornArchiveIsRefused) {
  std::string text = "HashFunction,1,2,3\n";
  std::mt19937_64 random(1);
  for (int i = 0; i < 5000; ++i) {
    text += std::to_string(random()) + "," + std::to_string(random() % 99) +
            "," + std::to_string(random() % 99) + ",0\n";
  }
  const std::string path = WritePacked("calls.csv.gz", text);
  SO_ASSERT_OK(ReadTrace({.invocations = path}, {}));
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  EXPECT_FALSE(ReadTrace({.invocations = path}, {}).ok());
}

}  // namespace
}  // namespace so
