#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "serverless/error/v1/error.pb.h"
#include "serverless/pool/v1/build.pb.h"

namespace so {

using BuildProblem = serverless::pool::v1::BuildProblem;

inline constexpr size_t kMaxBuildProblems = 20;

// What is wrong with code, in the words of compilers and runtimes: pure
// functions from untrusted text.
struct BuildReport {
  // Empty: nothing is wrong.
  std::vector<BuildProblem> problems;
  // What was printed on the way.
  std::string log;
};

// A problem with what cannot be told any better.
BuildProblem PlainProblem(absl::string_view text);

// The errors in what a compiler printed: "file:line:column: text" and rustc's
// two-line form. Empty when none is recognised.
std::vector<BuildProblem> CompilerProblems(absl::string_view output);

// What keeps a handler from being loaded, when that is the fault of the source
// as it is (syntax, a missing file, export or module) and not of what it did
// when it ran.
std::optional<BuildProblem> LoadProblem(
    const serverless::error::v1::FunctionFault& fault);

// "main.go:3:5: undefined: x".
std::string ProblemText(const BuildProblem& problem);

}  // namespace so
