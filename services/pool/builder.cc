#include "services/pool/builder.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"
#include "services/pool/build_errors.h"
#include "services/pool/build_task.h"
#include "services/pool/output_capture.h"
#include "services/registry/client/sha256.h"

namespace so {
namespace {

namespace pb = serverless::pool::v1;
using serverless::function::v1::Function;

constexpr size_t kMaxLogBytes = 64 << 10;

// The function as far as its code can see it while it is loaded.
Function FunctionOf(const pb::BuildRequest& request) {
  Function function;
  function.set_name(request.name());
  function.set_runtime(request.runtime());
  function.set_handler(request.handler());
  function.set_version(1);
  function.set_memory(request.memory());
  *function.mutable_environment() = request.environment();
  return function;
}

// Nothing when the registry has it.
std::optional<Code> TakeCode(pb::BuildRequest& request) {
  switch (request.source_case()) {
    case pb::BuildRequest::kCode:
      return Code{.content = std::move(*request.mutable_code())};
    case pb::BuildRequest::kArchive:
      return Code{.content = std::move(*request.mutable_archive()),
                  .is_archive = true};
    default:
      return std::nullopt;
  }
}

absl::Status Check(const pb::BuildRequest& request, const Runtime* runtime,
                   const RuntimeCatalog& runtimes) {
  if (runtime == nullptr) {
    return InvalidArgument(
        "runtime",
        absl::StrCat("must be one of ", absl::StrJoin(runtimes.names(), ", ")));
  }
  switch (request.source_case()) {
    case pb::BuildRequest::kCode:
      if (!runtime->takes_inline_code()) {
        return InvalidArgument("code",
                               absl::StrCat("the runtime ", runtime->name(),
                                            " takes its code as an archive"));
      }
      break;
    case pb::BuildRequest::SOURCE_NOT_SET:
      return InvalidArgument("code", "is required: the source of the function");
    default:
      break;
  }
  if (runtime->takes_inline_code()) {
    const auto files = runtime->SourceFiles(request.handler());
    if (!files.ok()) {
      return InvalidArgument("handler", files.status().message());
    }
  }
  return absl::OkStatus();
}

}  // namespace

Builder::BuildId Builder::Build(pb::BuildRequest request, OnBuilt done) {
  const Runtime* runtime = deps_.runtimes.Find(request.runtime());
  if (const absl::Status wrong = Check(request, runtime, deps_.runtimes);
      !wrong.ok()) {
    done(wrong);
    return 0;
  }
  const BuildId id = ++last_id_;
  std::optional<Code> code = TakeCode(request);
  const std::string sha256 =
      code ? Sha256Hex(code->content) : request.code_sha256();
  const std::string handler = request.handler();
  auto job = std::make_unique<Job>();
  job->request = std::move(request);
  job->runtime = runtime;
  job->done = std::move(done);
  jobs_[id] = std::move(job);
  const CodeCache::MakeId making =
      deps_.cache.Make(*runtime, handler, sha256, std::move(code),
                       [this, id](absl::StatusOr<CodeCache::Made> made) {
                         Made(id, std::move(made));
                       });
  // It may be over already.
  if (const auto it = jobs_.find(id); it != jobs_.end()) {
    it->second->making = making;
  }
  return id;
}

void Builder::Made(BuildId id, absl::StatusOr<CodeCache::Made> made) {
  const auto it = jobs_.find(id);
  if (it == jobs_.end()) return;
  it->second->making = 0;
  if (!made.ok()) return Answer(id, made.status());
  if (!made->report.problems.empty() || !it->second->runtime->check_handler()) {
    return Answer(id, std::move(made->report));
  }
  Load(id, made->dir);
}

void Builder::Load(BuildId id, const std::string& dir) {
  Job& job = *jobs_.at(id);
  job.loading = deps_.tasks.Run(
      LoadTask(*job.runtime, FunctionOf(job.request), dir),
      [this, id](const TaskResult& result) { Loaded(id, result); });
  if (job.loading == 0) Answer(id, TooManyBuilds());
}

void Builder::Loaded(BuildId id, const TaskResult& result) {
  if (!jobs_.contains(id)) return;
  if (result.end == TaskResult::End::kNoSandbox) {
    return Answer(id, NoSandbox(jobs_.at(id)->request.runtime(),
                                result.exit.start_error));
  }
  // Whatever else happens is what the code does when it runs: its author hears
  // of it from the first call.
  BuildReport report{.log = RepairUtf8(result.output)};
  if (result.end == TaskResult::End::kInitError) {
    if (auto problem = LoadProblem(result.fault)) {
      report.problems.push_back(*std::move(problem));
    }
  }
  Answer(id, std::move(report));
}

void Builder::Answer(BuildId id, absl::StatusOr<BuildReport> report) {
  const auto job = jobs_.extract(id);
  OnBuilt done = std::move(job.mapped()->done);
  if (!report.ok()) return done(report.status());
  pb::BuildResponse response;
  for (BuildProblem& problem : report->problems) {
    *response.add_problems() = std::move(problem);
  }
  if (!report->problems.empty()) {
    response.set_log(RepairUtf8(report->log.substr(0, kMaxLogBytes)));
  }
  done(std::move(response));
}

void Builder::Cancel(BuildId id) {
  const auto job = jobs_.extract(id);
  if (job.empty()) return;
  if (job.mapped()->making != 0) deps_.cache.Cancel(job.mapped()->making);
  if (job.mapped()->loading != 0) deps_.tasks.Cancel(job.mapped()->loading);
  job.mapped()->done(absl::CancelledError());
}

}  // namespace so
