#include "services/pool/build_report.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using serverless::error::v1::FunctionFault;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Texts(absl::string_view output) {
  std::vector<std::string> texts;
  for (const BuildProblem& problem : CompilerProblems(output)) {
    texts.push_back(ProblemText(problem));
  }
  return texts;
}

FunctionFault Fault(const std::string& type, const std::string& message,
                    const std::vector<std::string>& stack = {}) {
  FunctionFault fault;
  fault.set_type(type);
  fault.set_message(message);
  for (const std::string& line : stack) fault.add_stack(line);
  return fault;
}

// "" when there is none.
std::string Problem(const FunctionFault& fault) {
  const auto problem = LoadProblem(fault);
  return problem ? ProblemText(*problem) : "";
}

TEST(CompilerProblemsTest, ReadsGo) {
  EXPECT_THAT(Texts("# handler\n"
                    "./handler.go:6:2: undefined: x\n"
                    "/var/task/handler.go:9: missing return\n"
                    "note: module requires Go 1.22\n"),
              ElementsAre("handler.go:6:2: undefined: x",
                          "handler.go:9: missing return"));
}

TEST(CompilerProblemsTest, ReadsRust) {
  EXPECT_THAT(Texts("warning: unused variable: `a`\n"
                    " --> src/handler.rs:1:4\n"
                    "error[E0425]: cannot find value `x` in this scope\n"
                    "  --> src/handler.rs:3:8\n"
                    "   |\n"
                    " 3 |     Ok(x)\n"
                    "error: aborting due to 1 previous error\n"),
              ElementsAre("src/handler.rs:3:8: cannot find value `x` in this "
                          "scope"));
}

TEST(CompilerProblemsTest, ReadsGccAndLeavesWarnings) {
  EXPECT_THAT(Texts("a.c:1:2: error: expected ';'\na.c:4:1: warning: unused"),
              ElementsAre("a.c:1:2: expected ';'"));
}

TEST(CompilerProblemsTest, IsBoundedAndBelievesNothing) {
  std::string many;
  for (int i = 0; i < 100; ++i) many += "a.go:1:1: x\n";
  EXPECT_EQ(Texts(many).size(), kMaxBuildProblems);
  EXPECT_THAT(Texts(":::\n:1\na:\na:99999999999:1: x\n--> \n\xff:1: x\n"),
              ElementsAre("\xef\xbf\xbd:1: x"));
  const std::string text = Texts("a.go:1: " + std::string(5000, 'x')).at(0);
  EXPECT_LT(text.size(), 600u);
  EXPECT_THAT(Texts(""), IsEmpty());
}

TEST(LoadProblemTest, PlacesSyntaxErrors) {
  EXPECT_EQ(
      Problem(Fault("UserCodeSyntaxError", "index.js:3: Unexpected token '}'",
                    {"index.js:3", "  return }", "         ^"})),
      "index.js:3:10: SyntaxError: Unexpected token '}'");
  EXPECT_EQ(Problem(Fault("UserCodeSyntaxError",
                          "file:///var/task/lib/a.mjs:12: Invalid token")),
            "lib/a.mjs:12: SyntaxError: Invalid token");
  EXPECT_EQ(Problem(Fault("UserCodeSyntaxError", "main.py:2: unexpected indent",
                          {"File \"main.py\", line 2: x = 1"})),
            "main.py:2: SyntaxError: unexpected indent");
  EXPECT_EQ(Problem(Fault("UserCodeSyntaxError", "somewhere")), "somewhere");
}

TEST(LoadProblemTest, NamesWhatIsMissing) {
  EXPECT_EQ(Problem(Fault("ImportModuleError", "there is no file index.js")),
            "there is no file index.js");
  EXPECT_EQ(Problem(Fault("Runtime.InvalidEntrypoint", "no bootstrap")),
            "no bootstrap");
  EXPECT_EQ(Problem(Fault("HandlerNotFound", "no function handler")),
            "no function handler");
  EXPECT_EQ(Problem(Fault("ImportModuleError", "No module named 'numpy'",
                          {"File \"main.py\", line 3, in <module>: import "
                           "numpy"})),
            "main.py:3: No module named 'numpy'");
  EXPECT_EQ(Problem(Fault("ImportModuleError",
                          "Cannot find module 'left-pad'\nRequire stack:")),
            "Cannot find module 'left-pad'");
}

TEST(LoadProblemTest, WhatTheCodeDoesWhenItRunsIsNotAProblem) {
  EXPECT_EQ(Problem(Fault("TypeError", "x is not a function")), "");
  EXPECT_EQ(Problem(Fault("Error", "no database")), "");
  // JSON.parse and eval of the code's own.
  EXPECT_EQ(Problem(Fault("SyntaxError", "Unexpected end of JSON input",
                          {"at JSON.parse (<anonymous>)", "at index.js:1:6"})),
            "");
  EXPECT_EQ(Problem(Fault("SyntaxError", "invalid syntax",
                          {"File \"<string>\", line 1: 1 +"})),
            "");
}

}  // namespace
}  // namespace so
