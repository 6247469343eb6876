#include "services/pool/build_report.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/pool/output_capture.h"
#include "services/pool/sandbox.h"

namespace so {
namespace {

using serverless::error::v1::FunctionFault;

constexpr size_t kMaxTextBytes = 512;
constexpr size_t kMaxFileBytes = 256;

std::string Bounded(absl::string_view text, size_t limit) {
  size_t end = std::min(text.size(), limit);
  while (end < text.size() && end > 0 &&
         (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
    --end;
  }
  return RepairUtf8(text.substr(0, end));
}

// The path as the author of the code knows it.
absl::string_view Relative(absl::string_view file) {
  absl::ConsumePrefix(&file, "file://");
  for (const absl::string_view prefix : {kSandboxCodeDir, kSandboxOutputDir}) {
    if (absl::StartsWith(file, absl::StrCat(prefix, "/"))) {
      file.remove_prefix(prefix.size() + 1);
    }
  }
  absl::ConsumePrefix(&file, "./");
  return file;
}

// Cuts a number off the front of `text`, and the colon behind it if there is
// one. False, with `text` as it was, when it starts with none.
bool TakeNumber(absl::string_view& text, int& number) {
  const size_t end =
      std::min(text.find_first_not_of("0123456789"), text.size());
  if (!absl::SimpleAtoi(text.substr(0, end), &number)) return false;
  text.remove_prefix(end);
  absl::ConsumePrefix(&text, ":");
  return true;
}

// "file:line", "file:line:column" or either with ": text" behind it.
std::optional<BuildProblem> ParsePlace(absl::string_view line) {
  absl::ConsumePrefix(&line, "file://");
  const size_t colon = line.find(':');
  if (colon == absl::string_view::npos || colon == 0) return std::nullopt;
  const absl::string_view file = line.substr(0, colon);
  // Something like "note: 3 errors" is no place.
  if (file.find(' ') != absl::string_view::npos) return std::nullopt;
  absl::string_view rest = line.substr(colon + 1);
  int number = 0;
  if (!TakeNumber(rest, number)) return std::nullopt;
  BuildProblem problem;
  problem.set_file(Bounded(Relative(file), kMaxFileBytes));
  problem.set_line(number);
  if (TakeNumber(rest, number)) problem.set_column(number);
  if (!rest.empty() && rest[0] != ' ') return std::nullopt;
  absl::ConsumePrefix(&rest, " ");
  absl::ConsumePrefix(&rest, "error: ");
  problem.set_text(Bounded(rest, kMaxTextBytes));
  return problem;
}

// "error: text" or "error[E0425]: text", as rustc begins.
std::optional<absl::string_view> RustError(absl::string_view line) {
  if (!absl::ConsumePrefix(&line, "error")) return std::nullopt;
  if (absl::StartsWith(line, "[")) {
    const size_t end = line.find(']');
    if (end == absl::string_view::npos) return std::nullopt;
    line.remove_prefix(end + 1);
  }
  if (!absl::ConsumePrefix(&line, ": ")) return std::nullopt;
  return line;
}

// "main.py:3: message". Node.js shows the line of source with carets below it,
// which is where the column comes from.
BuildProblem SyntaxProblem(const FunctionFault& fault) {
  const BuildProblem plain = PlainProblem(fault.message());
  std::optional<BuildProblem> problem = ParsePlace(plain.text());
  if (!problem) return plain;
  problem->set_text(
      Bounded(absl::StrCat("SyntaxError: ", problem->text()), kMaxTextBytes));
  if (problem->column() == 0 && fault.stack_size() > 2) {
    const size_t caret = fault.stack(2).find_first_not_of(' ');
    if (caret != std::string::npos && fault.stack(2)[caret] == '^') {
      problem->set_column(static_cast<int>(caret) + 1);
    }
  }
  return *std::move(problem);
}

// Where the code that is at fault stands: the innermost frame of the author's.
BuildProblem FramePlace(const FunctionFault& fault) {
  BuildProblem problem;
  for (const std::string& line : fault.stack()) {
    const size_t quote = line.find("File \"");
    const size_t number = line.find("\", line ");
    if (quote != 0 || number == std::string::npos) continue;
    int value = 0;
    absl::string_view rest = absl::string_view(line).substr(number + 8);
    if (!TakeNumber(rest, value)) continue;
    problem.set_file(
        Bounded(Relative(absl::string_view(line).substr(6, number - 6)),
                kMaxFileBytes));
    problem.set_line(value);
    break;
  }
  return problem;
}

bool IsMissing(absl::string_view type) {
  for (const absl::string_view missing :
       {"ImportModuleError", "HandlerNotFound", "MalformedHandlerName",
        "InvalidEntrypoint"}) {
    if (type == missing) return true;
  }
  return false;
}

}  // namespace

BuildProblem PlainProblem(absl::string_view text) {
  BuildProblem problem;
  problem.set_text(Bounded(text.substr(0, text.find('\n')), kMaxTextBytes));
  return problem;
}

std::vector<BuildProblem> CompilerProblems(absl::string_view output) {
  std::vector<BuildProblem> problems;
  std::optional<absl::string_view> rust;
  for (absl::string_view line : absl::StrSplit(output, '\n')) {
    line = absl::StripSuffix(line, "\r");
    if (problems.size() == kMaxBuildProblems) break;
    absl::string_view place = line;
    const size_t arrow = place.find("--> ");
    if (rust && arrow != absl::string_view::npos) {
      if (auto problem = ParsePlace(place.substr(arrow + 4))) {
        problem->set_text(Bounded(*rust, kMaxTextBytes));
        problems.push_back(*std::move(problem));
      }
      rust.reset();
    } else if (auto text = RustError(line)) {
      rust = text;
    } else if (auto problem = ParsePlace(line);
               problem && !problem->text().empty() &&
               !absl::StartsWith(problem->text(), "warning: ")) {
      problems.push_back(*std::move(problem));
    }
  }
  return problems;
}

std::optional<BuildProblem> LoadProblem(const FunctionFault& fault) {
  absl::string_view type = fault.type();
  absl::ConsumePrefix(&type, "Runtime.");
  if (type == "UserCodeSyntaxError") return SyntaxProblem(fault);
  if (IsMissing(type)) {
    BuildProblem problem = FramePlace(fault);
    problem.set_text(PlainProblem(fault.message()).text());
    return problem;
  }
  return std::nullopt;
}

std::string ProblemText(const BuildProblem& problem) {
  std::string text = problem.file();
  if (problem.line() > 0) absl::StrAppend(&text, ":", problem.line());
  if (problem.column() > 0) absl::StrAppend(&text, ":", problem.column());
  return absl::StrCat(text, text.empty() ? "" : ": ", problem.text());
}

}  // namespace so
