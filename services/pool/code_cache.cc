#include "services/pool/code_cache.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "services/pool/build_task.h"
#include "services/pool/code_files.h"
#include "services/registry/client/sha256.h"

namespace so {
namespace {

absl::StatusOr<std::vector<std::string>> InlineFiles(
    const Runtime& runtime, const std::string& handler) {
  if (!runtime.takes_inline_code()) return std::vector<std::string>();
  return runtime.SourceFiles(handler);
}

// Distinguishes directories that the same source becomes.
std::string DirectoryName(const std::string& sha256,
                          const std::vector<std::string>& files,
                          const std::string& build_key) {
  return absl::StrCat(
      sha256, "-",
      Sha256Hex(absl::StrCat(absl::StrJoin(files, "\n"),
                             build_key.empty() ? "" : "\n\n", build_key))
          .substr(0, 16));
}

}  // namespace

absl::StatusOr<std::unique_ptr<CodeCache>> CodeCache::Create(
    Options options, CodeSource& source) {
  SO_RETURN_IF_ERROR(PrepareCacheDirectory(options.dir));
  return std::unique_ptr<CodeCache>(new CodeCache(std::move(options), source));
}

CodeCache::CodeCache(Options options, CodeSource& source)
    : options_(std::move(options)),
      source_(source),
      maker_(options_.dir, {.runtimes = options_.runtimes,
                            .tasks = options_.tasks,
                            .builds = options_.builds,
                            .disk = options_.disk,
                            .loop = options_.loop}) {}

void CodeCache::Prepare(const FunctionPtr& function, OnReady done) {
  const Runtime* runtime = options_.runtimes.Find(function->runtime());
  if (runtime == nullptr) {
    done(absl::UnavailableError(
        absl::StrCat("no runtime ", function->runtime(), " on this node")));
    return;
  }
  Make(*runtime, function->handler(), function->code_sha256(), std::nullopt,
       [done = std::move(done)](absl::StatusOr<Made> made) mutable {
         if (!made.ok()) {
           done(made.status());
         } else if (!made->report.problems.empty()) {
           done(absl::InvalidArgumentError(
               ProblemText(made->report.problems.front())));
         } else {
           done(std::move(made->dir));
         }
       });
}

CodeCache::MakeId CodeCache::Make(const Runtime& runtime,
                                  const std::string& handler,
                                  const std::string& sha256,
                                  std::optional<Code> code, OnMade done) {
  absl::StatusOr<std::vector<std::string>> files =
      InlineFiles(runtime, handler);
  if (!files.ok()) {
    done(files.status());
    return 0;
  }
  const std::string path =
      absl::StrCat(options_.dir, "/",
                   DirectoryName(sha256, *files, BuildKey(runtime, handler)));
  if (access(path.c_str(), F_OK) == 0) {
    done(Made{.dir = path});
    return 0;
  }
  const MakeId id = ++last_id_;
  std::vector<Waiting>& waiting = waiting_[path];
  waiting.push_back({id, std::move(done)});
  if (waiting.size() > 1) return id;
  if (code.has_value()) {
    MakeFrom(path, runtime, handler, *std::move(files), *std::move(code));
    return id;
  }
  source_.Fetch(sha256, [this, alive = std::weak_ptr<bool>(alive_),
                         &loop = options_.loop, path, &runtime, handler,
                         files = *std::move(files)](
                            absl::StatusOr<Code> fetched) mutable {
    loop.Post([this, alive, path, &runtime, handler, files = std::move(files),
               fetched = std::move(fetched)]() mutable {
      if (alive.expired()) return;
      if (!fetched.ok()) return Finish(path, fetched.status());
      MakeFrom(path, runtime, handler, std::move(files), *std::move(fetched));
    });
  });
  return id;
}

void CodeCache::MakeFrom(const std::string& path, const Runtime& runtime,
                         const std::string& handler,
                         std::vector<std::string> files, Code code) {
  // All who waited may have left while the code was fetched.
  if (!waiting_.contains(path)) return;
  maker_.Make(path,
              {.runtime = &runtime,
               .handler = handler,
               .files = std::move(files),
               .code = std::move(code)},
              [this, path](absl::StatusOr<BuildReport> report) {
                Finish(path, std::move(report));
              });
}

void CodeCache::Cancel(MakeId id) {
  for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
    std::vector<Waiting>& waiting = it->second;
    const auto found =
        std::find_if(waiting.begin(), waiting.end(),
                     [id](const Waiting& w) { return w.id == id; });
    if (found == waiting.end()) continue;
    waiting.erase(found);
    if (waiting.empty()) {
      const std::string path = it->first;
      waiting_.erase(it);
      maker_.Cancel(path);
    }
    return;
  }
}

void CodeCache::Finish(const std::string& path,
                       absl::StatusOr<BuildReport> report) {
  const auto it = waiting_.find(path);
  if (it == waiting_.end()) return;
  std::vector<Waiting> waiting = std::move(it->second);
  waiting_.erase(it);
  for (Waiting& one : waiting) {
    if (!report.ok()) {
      one.done(report.status());
    } else {
      one.done(
          Made{.dir = report->problems.empty() ? path : "", .report = *report});
    }
  }
}

}  // namespace so
