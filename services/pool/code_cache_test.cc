#include "services/pool/code_cache.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/ids.h"
#include "base/testing/status_matchers.h"
#include "gtest/gtest.h"
#include "services/pool/testing/inline_executor.h"

namespace so {
namespace {

namespace fs = std::filesystem;

// Answers when told to.
class HeldCodeSource final : public CodeSource {
 public:
  void Fetch(absl::string_view, OnCode done) override {
    ++fetches;
    held = std::move(done);
  }
  int fetches = 0;
  OnCode held;
};

class CodeCacheTest : public ::testing::Test {
 protected:
  CodeCacheTest()
      : dir_(fs::path(::testing::TempDir()) / ("code-" + RandomToken(10))),
        runtimes_(*RuntimeCatalog::Load("runtimes")) {
    fs::create_directories(dir_ / ".new-left-behind");
    cache_ = *CodeCache::Create({.dir = dir_.string(),
                                 .runtimes = runtimes_,
                                 .disk = executor_,
                                 .loop = executor_},
                                source_);
  }
  ~CodeCacheTest() override {
    for (const auto& entry : fs::recursive_directory_iterator(dir_)) {
      if (entry.is_directory()) {
        fs::permissions(entry.path(), fs::perms::owner_all);
      }
    }
    fs::remove_all(dir_);
  }

  static FunctionPtr Function(const std::string& runtime,
                              const std::string& handler) {
    auto function = std::make_shared<serverless::function::v1::Function>();
    function->set_runtime(runtime);
    function->set_handler(handler);
    function->set_code_sha256("0123abc");
    return function;
  }
  absl::StatusOr<std::string> Prepare(const FunctionPtr& function) {
    absl::StatusOr<std::string> answer = absl::UnknownError("none yet");
    cache_->Prepare(function, [&](auto path) { answer = std::move(path); });
    if (source_.held) std::exchange(source_.held, nullptr)(Code{"source"});
    return answer;
  }
  static std::string Read(const fs::path& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file),
                       std::istreambuf_iterator<char>());
  }

  const fs::path dir_;
  const RuntimeCatalog runtimes_;
  InlineExecutor executor_;
  HeldCodeSource source_;
  std::unique_ptr<CodeCache> cache_;
};

TEST_F(CodeCacheTest, WritesTheFilesThatTheHandlerNamesReadOnly) {
  const auto node = Prepare(Function("node", "src/index.handler"));
  SO_ASSERT_OK(node);
  EXPECT_EQ(Read(fs::path(*node) / "src/index.js"), "source");
  EXPECT_EQ(Read(fs::path(*node) / "src/index.mjs"), "source");
  EXPECT_EQ(fs::status(*node).permissions(), static_cast<fs::perms>(0555));
  EXPECT_EQ(fs::status(fs::path(*node) / "src").permissions(),
            static_cast<fs::perms>(0555));
  const auto python = Prepare(Function("python", "pkg.main.handler"));
  SO_ASSERT_OK(python);
  EXPECT_EQ(Read(fs::path(*python) / "pkg/main.py"), "source");
  EXPECT_NE(*node, *python);
}

TEST_F(CodeCacheTest, FetchesOnceForAllWhoWaitAndNeverAgain) {
  const FunctionPtr function = Function("node", "index.handler");
  int answers = 0;
  const auto count = [&](const absl::StatusOr<std::string>& path) {
    SO_EXPECT_OK(path);
    ++answers;
  };
  cache_->Prepare(function, count);
  cache_->Prepare(function, count);
  EXPECT_EQ(answers, 0);
  source_.held(Code{"source"});
  EXPECT_EQ(answers, 2);
  cache_->Prepare(function, count);
  EXPECT_EQ(answers, 3);
  EXPECT_EQ(source_.fetches, 1);
}

TEST_F(CodeCacheTest, AFailedFetchCanBeRepeated) {
  const FunctionPtr function = Function("node", "index.handler");
  absl::Status answer;
  cache_->Prepare(function, [&](auto path) { answer = path.status(); });
  std::exchange(source_.held, nullptr)(absl::UnavailableError("down"));
  EXPECT_THAT(answer, HasCode(absl::StatusCode::kUnavailable));
  SO_EXPECT_OK(Prepare(function));
}

TEST_F(CodeCacheTest, RefusesHandlersThatLeaveTheDirectory) {
  for (const char* handler :
       {"../index.handler", "/etc/index.handler", "a//b.handler", "index", "",
        ".handler", "index.", "a/../b.handler", "-x.handler"}) {
    EXPECT_THAT(Prepare(Function("node", handler)),
                HasCode(absl::StatusCode::kInvalidArgument))
        << handler;
  }
  EXPECT_THAT(Prepare(Function("cobol", "index.handler")),
              HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(CodeCacheTest, RemovesWhatWasLeftHalfDone) {
  EXPECT_FALSE(fs::exists(dir_ / ".new-left-behind"));
}

}  // namespace
}  // namespace so
