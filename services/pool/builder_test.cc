#include "services/pool/builder.h"

#include "base/error.h"
#include "gmock/gmock.h"
#include "nlohmann/json.hpp"
#include "services/pool/testing/build_fixture.h"

namespace so {
namespace {

namespace fs = std::filesystem;
namespace pb = serverless::pool::v1;
using Json = nlohmann::json;
using ::testing::HasSubstr;

using Answer = std::shared_ptr<absl::StatusOr<pb::BuildResponse>>;

class BuilderTest : public ::testing::Test, protected BuildFixture {
 protected:
  static pb::BuildRequest Request(const std::string& runtime,
                                  const std::string& handler) {
    pb::BuildRequest request;
    request.set_name("hello");
    request.set_runtime(runtime);
    request.set_handler(handler);
    request.set_memory(128);
    return request;
  }
  static pb::BuildRequest Node(const std::string& code = "source") {
    pb::BuildRequest request = Request("node", "index.handler");
    request.set_code(code);
    return request;
  }
  static pb::BuildRequest Go(const std::string& code = "package main") {
    pb::BuildRequest request = Request("go", "Handler");
    request.set_code(code);
    return request;
  }

  // The answer, UNKNOWN until it is there.
  Answer Build(pb::BuildRequest request) {
    auto answer = std::make_shared<absl::StatusOr<pb::BuildResponse>>(
        absl::UnknownError("none yet"));
    last_build_ = builder_->Build(std::move(request), [answer](auto built) {
      *answer = std::move(built);
    });
    return answer;
  }
  Json Config() { return Json::parse(sandbox_.last().received.at(0).second); }
  void Fail(const std::string& type, const std::string& message,
            const std::vector<std::string>& stack = {}) {
    sandbox_.last().Hello();
    sandbox_.last().Say(
        FrameType::kInitError,
        Json{{"type", type}, {"message", message}, {"stack", stack}}.dump());
    sandbox_.last().Exit({.exit_code = 1});
  }

  Builder::BuildId last_build_ = 0;
};

TEST_F(BuilderTest, LoadsTheHandlerOnceAsAnInstanceWould) {
  pb::BuildRequest request = Node();
  (*request.mutable_environment())["KEY"] = "value";
  const Answer answer = Build(request);
  const SandboxSpec& spec = sandbox_.last().spec;
  EXPECT_EQ(spec.runtime, "node");
  EXPECT_EQ(Read(fs::path(spec.code_dir) / "index.js"), "source");
  EXPECT_EQ(spec.output_dir, "");
  EXPECT_EQ(spec.memory, 128);
  EXPECT_EQ(Config()["handler"], "index.handler");
  EXPECT_EQ(Config()["codeDir"], "/var/task");
  EXPECT_EQ(Config()["environment"]["KEY"], "value");
  EXPECT_FALSE(Config().contains("task"));
  sandbox_.last().BecomeReady();
  EXPECT_TRUE(sandbox_.last().killed);
  EXPECT_FALSE(answer->ok());
  sandbox_.last().Exit({.signal = 9});
  SO_ASSERT_OK(*answer);
  EXPECT_EQ((*answer)->problems_size(), 0);
  // Only the handler is loaded when the code is there already.
  EXPECT_EQ(CountDirectories(true), 1);
  Build(Node());
  EXPECT_EQ(sandbox_.started(), 2u);
}

TEST_F(BuilderTest, WhatIsWrongWithTheSourceIsAProblem) {
  const Answer answer = Build(Node());
  sandbox_.last().Print("loading\n");
  Fail("UserCodeSyntaxError", "index.js:2: Unexpected token",
       {"index.js:2", "a b", "  ^"});
  SO_ASSERT_OK(*answer);
  ASSERT_EQ((*answer)->problems_size(), 1);
  const BuildProblem& problem = (*answer)->problems(0);
  EXPECT_EQ(problem.file(), "index.js");
  EXPECT_EQ(problem.line(), 2);
  EXPECT_EQ(problem.column(), 3);
  EXPECT_EQ(problem.text(), "SyntaxError: Unexpected token");
  EXPECT_EQ((*answer)->log(), "loading\n");
}

TEST_F(BuilderTest, WhatTheCodeDoesWhenItRunsIsNot) {
  const auto problems = [](const Answer& answer) {
    EXPECT_THAT(*answer, IsOk());
    return answer->ok() ? (*answer)->problems_size() : -1;
  };
  const Answer threw = Build(Node());
  Fail("TypeError", "x is not a function");
  EXPECT_EQ(problems(threw), 0);
  const Answer died = Build(Node());
  sandbox_.last().Exit({.signal = 11});
  EXPECT_EQ(problems(died), 0);
  const Answer forged = Build(Node());
  sandbox_.last().SayRaw("\xff\xff\xff\xff");
  EXPECT_TRUE(sandbox_.last().killed);
  sandbox_.last().Exit({.signal = 9});
  EXPECT_EQ(problems(forged), 0);
  const Answer hangs = Build(Node());
  clock_.Advance(absl::Seconds(10));
  EXPECT_TRUE(sandbox_.last().killed);
  sandbox_.last().Exit({.signal = 9});
  EXPECT_EQ(problems(hangs), 0);
}

TEST_F(BuilderTest, ANodeWithoutSandboxesIsUnavailable) {
  const Answer answer = Build(Node());
  sandbox_.last().Exit({.start_error = "no launcher at /run/so"});
  EXPECT_THAT(*answer, HasErrorCode("UNAVAILABLE"));
  EXPECT_THAT(std::string(answer->status().message()),
              ::testing::Not(HasSubstr("/run/so")));
}

TEST_F(BuilderTest, BuildsInASandboxAndKeepsTheProgram) {
  const Answer answer = Build(Go());
  const SandboxSpec spec = sandbox_.last().spec;
  EXPECT_EQ(spec.runtime, "go");
  EXPECT_EQ(Read(fs::path(spec.code_dir) / "handler.go"), "package main");
  EXPECT_EQ(spec.memory, 2048);
  const Json task = Config()["task"];
  EXPECT_EQ(task["command"], (Json{"/var/runtime/build", "Handler"}));
  EXPECT_EQ(task["environment"]["GOFLAGS"], "-mod=vendor");
  Write("bootstrap", "program", 04711);
  Write("data/table.txt", "text", 0600);
  sandbox_.last().Exit();
  SO_ASSERT_OK(*answer);
  EXPECT_EQ((*answer)->problems_size(), 0);
  EXPECT_EQ(CountDirectories(true), 1);
  EXPECT_EQ(CountDirectories(false), 0);
  for (const auto& entry : fs::directory_iterator(dir_)) {
    EXPECT_EQ(fs::status(entry.path() / "bootstrap").permissions(),
              static_cast<fs::perms>(0555));
    EXPECT_EQ(fs::status(entry.path() / "data/table.txt").permissions(),
              static_cast<fs::perms>(0444));
  }
  SO_EXPECT_OK(*Build(Go()));
  EXPECT_EQ(sandbox_.started(), 1u);
}

TEST_F(BuilderTest, CompileErrorsAreProblemsWithTheLog) {
  const Answer answer = Build(Go());
  sandbox_.last().Print("# handler\n./handler.go:3:5: undefined: x\n");
  sandbox_.last().Exit({.exit_code = 2});
  SO_ASSERT_OK(*answer);
  ASSERT_EQ((*answer)->problems_size(), 1);
  EXPECT_EQ(ProblemText((*answer)->problems(0)),
            "handler.go:3:5: undefined: x");
  EXPECT_EQ((*answer)->log(), "# handler\n./handler.go:3:5: undefined: x\n");
  // It is tried again, not remembered.
  Build(Go());
  EXPECT_EQ(sandbox_.started(), 2u);
}

TEST_F(BuilderTest, SaysHowABuildCameToItsEnd) {
  const auto problem_of = [](const Answer& answer) {
    EXPECT_THAT(*answer, IsOk());
    return (*answer)->problems(0).text();
  };
  const Answer slow = Build(Go());
  clock_.Advance(absl::Seconds(100));
  sandbox_.last().Exit({.signal = 9});
  EXPECT_EQ(problem_of(slow), "the build took too long");
  const Answer large = Build(Go());
  sandbox_.last().Exit({.signal = 9, .out_of_memory = true});
  EXPECT_EQ(problem_of(large), "the build ran out of memory");
  const Answer silent = Build(Go());
  sandbox_.last().Exit({.exit_code = 3});
  EXPECT_EQ(problem_of(silent), "the build exited with code 3");
}

TEST_F(BuilderTest, LinksInTheResultAreRefused) {
  const Answer answer = Build(Go());
  fs::create_symlink("/etc/passwd",
                     fs::path(sandbox_.last().spec.output_dir) / "bootstrap");
  sandbox_.last().Exit();
  SO_ASSERT_OK(*answer);
  EXPECT_THAT((*answer)->problems(0).text(), HasSubstr("neither a file nor"));
  EXPECT_EQ(CountDirectories(true), 0);
}

TEST_F(BuilderTest, UnpacksArchivesInASandbox) {
  pb::BuildRequest request = Request("node", "index.handler");
  request.set_archive("PK...");
  const Answer answer = Build(request);
  const SandboxSpec spec = sandbox_.last().spec;
  EXPECT_EQ(spec.runtime, "custom");
  EXPECT_EQ(Read(fs::path(spec.code_dir) / "archive"), "PK...");
  EXPECT_EQ(Config()["task"]["command"],
            (Json{"/opt/so/so-unpack", "/var/task/archive", "/var/output"}));
  Write("index.js", "unpacked");
  Write("node_modules/a/index.js", "dependency");
  sandbox_.last().Exit();
  // Then the handler is loaded from it.
  const SandboxSpec& loading = sandbox_.last().spec;
  EXPECT_EQ(loading.runtime, "node");
  EXPECT_EQ(Read(fs::path(loading.code_dir) / "node_modules/a/index.js"),
            "dependency");
  sandbox_.last().BecomeReady();
  sandbox_.last().Exit();
  SO_ASSERT_OK(*answer);
  EXPECT_EQ((*answer)->problems_size(), 0);
}

TEST_F(BuilderTest, ARefusedArchiveIsAProblem) {
  pb::BuildRequest request = Request("custom", "any");
  request.set_archive("PK...");
  const Answer answer = Build(request);
  sandbox_.last().Print("entry \"../evil\" leaves the folder by \"..\"\n");
  sandbox_.last().Exit({.exit_code = 1});
  SO_ASSERT_OK(*answer);
  EXPECT_EQ((*answer)->problems(0).text(),
            "entry \"../evil\" leaves the folder by \"..\"");
}

TEST_F(BuilderTest, AnArchiveCanBeBuilt) {
  pb::BuildRequest request = Request("go", "Handler");
  request.set_archive("PK...");
  const Answer answer = Build(request);
  Write("main.go", "package main");
  const std::string unpacked = sandbox_.last().spec.output_dir;
  sandbox_.last().Exit();
  EXPECT_EQ(sandbox_.last().spec.code_dir, unpacked);
  EXPECT_EQ(Config()["task"]["command"][0], "/var/runtime/build");
  Write("bootstrap", "program", 0755);
  sandbox_.last().Exit();
  SO_ASSERT_OK(*answer);
  EXPECT_EQ((*answer)->problems_size(), 0);
}

TEST_F(BuilderTest, StoredCodeIsFetched) {
  pb::BuildRequest request = Request("node", "index.handler");
  request.set_code_sha256("0123abc");
  const Answer answer = Build(request);
  source_.Answer(Code{"stored"});
  EXPECT_EQ(Read(fs::path(sandbox_.last().spec.code_dir) / "index.js"),
            "stored");
  const Answer unknown = Build(Request("node", "index.handler"));
  EXPECT_THAT(*unknown, HasErrorCode("INVALID_ARGUMENT"));
}

TEST_F(BuilderTest, NamesTheRuntimesThatThereAre) {
  pb::BuildRequest request = Node();
  request.set_runtime("cobol");
  const absl::Status refused = Build(request)->status();
  const Error error = ErrorFromStatus(refused);
  ASSERT_EQ(error.details_size(), 1);
  EXPECT_EQ(error.details(0).field(), "runtime");
  EXPECT_EQ(error.details(0).problem(),
            "must be one of custom, go, node, python");
  pb::BuildRequest inline_code = Request("custom", "any");
  inline_code.set_code("#!/bin/sh");
  EXPECT_EQ(ErrorFromStatus(Build(inline_code)->status()).details(0).field(),
            "code");
}

TEST_F(BuilderTest, RunsAFewAtATimeAndRefusesTooMany) {
  const Answer first = Build(Go("1")), second = Build(Go("2")),
               third = Build(Go("3")), fourth = Build(Go("4"));
  EXPECT_EQ(sandbox_.started(), 1u);
  EXPECT_THAT(*fourth, HasErrorCode("UNAVAILABLE"));
  sandbox_.last().Exit({.exit_code = 1});
  EXPECT_EQ(sandbox_.started(), 2u);
}

TEST_F(BuilderTest, WhoLeavesIsNotWorkedFor) {
  const Answer first = Build(Go("1"));
  const Builder::BuildId running = last_build_;
  const Answer second = Build(Go("2"));
  builder_->Cancel(last_build_);
  EXPECT_THAT(*second, HasCode(absl::StatusCode::kCancelled));
  builder_->Cancel(running);
  EXPECT_TRUE(sandbox_.last().killed);
  sandbox_.last().Exit({.signal = 9});
  EXPECT_EQ(sandbox_.started(), 1u);
  EXPECT_EQ(CountDirectories(false), 0);
  const Answer loading = Build(Node());
  builder_->Cancel(last_build_);
  EXPECT_THAT(*loading, HasCode(absl::StatusCode::kCancelled));
  EXPECT_TRUE(sandbox_.last().killed);
  sandbox_.last().Exit({.signal = 9});
}

TEST_F(BuilderTest, WorkIsSharedUntilTheLastLeaves) {
  const Answer first = Build(Go());
  const Builder::BuildId leaving = last_build_;
  const Answer second = Build(Go());
  builder_->Cancel(leaving);
  EXPECT_FALSE(sandbox_.last().killed);
  Write("bootstrap", "program", 0755);
  sandbox_.last().Exit();
  SO_EXPECT_OK(*second);
}

}  // namespace
}  // namespace so
