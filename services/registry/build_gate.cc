#include "services/registry/build_gate.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/error.h"

namespace so {
namespace {

using serverless::pool::v1::BuildProblem;
using serverless::pool::v1::BuildRequest;
using serverless::pool::v1::BuildResponse;

// Both travel in the trailers of an answer, where clients take 8 KiB by
// default and base64 needs a third more.
constexpr size_t kMaxDetailBytes = 2560;
constexpr size_t kMaxLogBytes = 2048;

BuildRequest RequestFor(const Function& function) {
  BuildRequest request;
  request.set_name(function.name());
  request.set_runtime(function.runtime());
  request.set_handler(function.handler());
  request.set_memory(function.memory());
  *request.mutable_environment() = function.environment();
  if (!function.archive().empty()) {
    request.set_archive(function.archive());
  } else if (!function.code().empty()) {
    request.set_code(function.code());
  } else {
    request.set_code_sha256(function.code_sha256());
  }
  return request;
}

// What the client has sent, so that it knows where to look.
std::string SourceField(const BuildRequest& request) {
  switch (request.source_case()) {
    case BuildRequest::kArchive:
      return "archive";
    case BuildRequest::kCode:
      return "code";
    default:
      return "handler";
  }
}

std::string Text(const BuildProblem& problem) {
  std::string text = problem.file();
  if (problem.line() > 0) absl::StrAppend(&text, ":", problem.line());
  if (problem.column() > 0) absl::StrAppend(&text, ":", problem.column());
  return absl::StrCat(text, text.empty() ? "" : ": ", problem.text());
}

void AddLog(absl::string_view log, Error& error) {
  if (log.empty()) return;
  size_t bytes = 0;
  for (const absl::string_view line : absl::StrSplit(log, '\n')) {
    bytes += line.size() + 8;  // With what the encoding adds.
    if (bytes > kMaxLogBytes) {
      error.add_logs("[truncated]");
      return;
    }
    error.add_logs(std::string(line));
  }
  if (error.logs(error.logs_size() - 1).empty()) {
    error.mutable_logs()->RemoveLast();
  }
}

absl::Status BuildFailedError(const std::string& field,
                              const BuildResponse& response) {
  const int count = response.problems_size();
  Error error = MakeError(
      "BUILD_FAILED", count == 1 ? Text(response.problems(0))
                                 : absl::StrCat(count, " problems, the first: ",
                                                Text(response.problems(0))));
  size_t bytes = 0;
  for (const BuildProblem& problem : response.problems()) {
    std::string text = Text(problem);
    bytes += text.size() + field.size() + 8;
    if (bytes > kMaxDetailBytes) break;
    FieldProblem& detail = *error.add_details();
    detail.set_field(field);
    detail.set_problem(std::move(text));
  }
  AddLog(response.log(), error);
  return ErrorStatus(absl::StatusCode::kInvalidArgument, error);
}

}  // namespace

void BuildGate::Check(const Function& function, Caller caller, OnChecked done) {
  BuildRequest request = RequestFor(function);
  std::string field = SourceField(request);
  builder_.Build(
      std::move(request), std::move(caller),
      [field = std::move(field),
       done = std::move(done)](absl::StatusOr<BuildResponse> response) mutable {
        if (!response.ok()) return done(response.status());
        done(response->problems().empty() ? absl::OkStatus()
                                          : BuildFailedError(field, *response));
      });
}

}  // namespace so
