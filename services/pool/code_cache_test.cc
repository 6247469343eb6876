#include "services/pool/code_cache.h"

#include "services/pool/testing/build_fixture.h"

namespace so {
namespace {

namespace fs = std::filesystem;

class CodeCacheTest : public ::testing::Test, protected BuildFixture {
 protected:
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
    if (source_.held) source_.Answer(Code{"source"});
    return answer;
  }
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
  EXPECT_EQ(CountDirectories(/*finished=*/false), 0);
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
  source_.Answer(Code{"source"});
  EXPECT_EQ(answers, 2);
  cache_->Prepare(function, count);
  EXPECT_EQ(answers, 3);
  EXPECT_EQ(source_.fetches, 1);
}

TEST_F(CodeCacheTest, AFailedFetchCanBeRepeated) {
  const FunctionPtr function = Function("node", "index.handler");
  absl::Status answer;
  cache_->Prepare(function, [&](auto path) { answer = path.status(); });
  source_.Answer(absl::UnavailableError("down"));
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

TEST_F(CodeCacheTest, BuildsOnceWhatIsMissing) {
  const FunctionPtr function = Function("go", "Handler");
  std::string first, second;
  cache_->Prepare(function, [&](auto path) { first = *path; });
  source_.Answer(Code{"package main"});
  cache_->Prepare(function, [&](auto path) { second = *path; });
  ASSERT_EQ(sandbox_.started(), 1u);
  Write("bootstrap", "program", 0755);
  sandbox_.last().Exit();
  EXPECT_EQ(Read(fs::path(first) / "bootstrap"), "program");
  EXPECT_EQ(second, first);
  SO_EXPECT_OK(Prepare(function));
  EXPECT_EQ(sandbox_.started(), 1u);
  // Another handler may make another program.
  cache_->Prepare(Function("go", "Other"), [](auto) {});
  EXPECT_EQ(source_.fetches, 2);
}

TEST_F(CodeCacheTest, ABuildThatFailsIsTheCodesFault) {
  absl::Status answer;
  cache_->Prepare(Function("go", "Handler"),
                  [&](auto path) { answer = path.status(); });
  source_.Answer(Code{"package main"});
  sandbox_.last().Print("./handler.go:3:1: syntax error\n");
  sandbox_.last().Exit({.exit_code = 1});
  EXPECT_THAT(answer, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(answer.message(), "handler.go:3:1: syntax error");
  EXPECT_EQ(CountDirectories(true), 0);
  EXPECT_EQ(CountDirectories(false), 0);
}

}  // namespace
}  // namespace so
