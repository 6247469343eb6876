#include "services/pool/code_maker.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "services/pool/build_errors.h"
#include "services/pool/build_task.h"
#include "services/pool/code_files.h"
#include "services/pool/instance_errors.h"
#include "services/pool/output_capture.h"

namespace so {
namespace {

constexpr int kUnpackRefused = 1;

BuildReport OneProblem(absl::string_view text, std::string log = "") {
  return {.problems = {PlainProblem(text)}, .log = std::move(log)};
}

std::string HowItEnded(const TaskResult& result) {
  if (result.end == TaskResult::End::kTimeout) return "took too long";
  if (result.exit.out_of_memory) return "ran out of memory";
  return DescribeExit(result.exit);
}

BuildReport FailedBuild(const TaskResult& result) {
  BuildReport report{.log = RepairUtf8(result.output)};
  const bool by_itself =
      result.end == TaskResult::End::kExited && result.exit.signal == 0;
  if (by_itself) report.problems = CompilerProblems(report.log);
  if (!report.problems.empty()) return report;
  // A build that has come to its own end says why in its first line.
  report.problems.push_back(
      PlainProblem(by_itself && !report.log.empty()
                       ? report.log
                       : absl::StrCat("the build ", HowItEnded(result))));
  return report;
}

}  // namespace

// One directory being made. Its steps alternate between the disk thread, a
// sandbox and the loop thread; each ends by starting the next, or with Finish.
class CodeMaker::Job : public std::enable_shared_from_this<Job> {
 public:
  Job(CodeMaker& maker, std::string path, CodeRecipe recipe, OnMade done)
      : maker_(maker),
        alive_(maker.alive_),
        dir_(maker.dir_),
        deps_(maker.deps_),
        path_(std::move(path)),
        recipe_(std::move(recipe)),
        done_(std::move(done)) {}

  void Start() {
    if (!recipe_.code.is_archive && recipe_.files.empty()) {
      made_ = OneProblem(absl::StrCat("the runtime ", recipe_.runtime->name(),
                                      " takes archives only"));
      return Finish(absl::OkStatus());
    }
    OnDisk([this] { return WriteSource(); },
           [this] {
             if (recipe_.code.is_archive) return Unpack();
             source_ = work_ + "/source";
             BuildOrPublish();
           });
  }

  void Cancel() {
    cancelled_ = true;
    if (task_ != 0) {
      deps_.tasks.Cancel(task_);
    } else if (build_ != 0) {
      deps_.builds.Cancel(build_);
    }
  }

 private:
  using Next = void (Job::*)(TaskResult);

  // Runs `work` on the disk thread and goes on when it succeeds.
  template <typename Work, typename Then>
  void OnDisk(Work work, Then then) {
    deps_.disk.Post([self = shared_from_this(), work, then] {
      const absl::Status status = work();
      self->deps_.loop.Post([self, status, then] {
        if (self->alive_.expired()) return;
        if (self->cancelled_) return self->Finish(absl::CancelledError());
        if (!status.ok()) return self->Finish(status);
        then();
      });
    });
  }

  absl::Status WriteSource() {
    SO_ASSIGN_OR_RETURN(work_, MakeWorkFolder(dir_));
    const bool archive = recipe_.code.is_archive;
    SO_RETURN_IF_ERROR(
        WriteFiles(work_ + (archive ? "/packed" : "/source"),
                   archive ? std::vector<std::string>{std::string(kArchiveFile)}
                           : recipe_.files,
                   recipe_.code.content));
    recipe_.code.content.clear();
    return archive ? MakeFolder(work_ + "/unpacked") : absl::OkStatus();
  }

  void Unpack() {
    const Runtime* runtime = AnyNativeRuntime(deps_.runtimes);
    if (runtime == nullptr) {
      return Finish(absl::UnavailableError(
          "archives cannot be unpacked on this node: no runtime of it has the "
          "platform's own zygote"));
    }
    source_ = work_ + "/unpacked";
    Run(deps_.tasks, task_, UnpackTask(*runtime, work_ + "/packed", source_),
        &Job::Unpacked);
  }

  void Unpacked(TaskResult result) {
    if (result.exit.exit_code == kUnpackRefused && result.exit.signal == 0 &&
        result.end == TaskResult::End::kExited) {
      made_ = OneProblem(RepairUtf8(result.output));
      return Finish(absl::OkStatus());
    }
    if (!Succeeded(result)) {
      made_ = OneProblem(
          absl::StrCat("unpacking the archive ", HowItEnded(result)));
      return Finish(absl::OkStatus());
    }
    BuildOrPublish();
  }

  void BuildOrPublish() {
    if (recipe_.runtime->build() == nullptr) return PublishFrom(source_);
    output_ = work_ + "/output";
    OnDisk([this] { return MakeFolder(output_); },
           [this] {
             Run(deps_.builds, build_,
                 BuildTask(*recipe_.runtime, recipe_.handler, source_, output_),
                 &Job::Built);
           });
  }

  void Built(TaskResult result) {
    if (!Succeeded(result)) {
      made_ = FailedBuild(result);
      return Finish(absl::OkStatus());
    }
    PublishFrom(output_);
  }

  void PublishFrom(const std::string& dir) {
    OnDisk(
        [this, dir] {
          // What a sandbox has filled is not ours to keep as it is.
          std::string result = dir;
          if (dir != work_ + "/source") {
            result = work_ + "/result";
            const absl::Status copied = CopyTree(dir, result);
            if (absl::IsInvalidArgument(copied)) {
              made_ = OneProblem(std::string(copied.message()));
              return absl::OkStatus();
            }
            SO_RETURN_IF_ERROR(copied);
          }
          return Publish(result, path_);
        },
        [this] { Finish(absl::OkStatus()); });
  }

  static bool Succeeded(const TaskResult& result) {
    return result.end == TaskResult::End::kExited && result.exit.signal == 0 &&
           result.exit.exit_code == 0;
  }

  // Runs a task and goes on with `next` when it was really run.
  void Run(TaskQueue& queue, TaskId& id, TaskSpec spec, Next next) {
    const std::string runtime = spec.sandbox.runtime;
    id = queue.Run(std::move(spec), [self = shared_from_this(), &id, runtime,
                                     next](TaskResult result) {
      id = 0;
      if (self->cancelled_ || result.end == TaskResult::End::kCancelled) {
        return self->Finish(absl::CancelledError());
      }
      if (result.end == TaskResult::End::kNoSandbox) {
        return self->Finish(NoSandbox(runtime, result.exit.start_error));
      }
      (self.get()->*next)(std::move(result));
    });
    if (id == 0) Finish(TooManyBuilds());
  }

  // Once, on the loop thread; the last thing that happens.
  void Finish(const absl::Status& status) {
    if (!work_.empty()) {
      deps_.disk.Post([work = work_] { RemoveTree(work); });
    }
    const auto self = shared_from_this();
    maker_.jobs_.erase(path_);
    OnMade done = std::move(done_);
    if (status.ok()) {
      done(std::move(made_));
    } else {
      done(status);
    }
  }

  CodeMaker& maker_;
  const std::weak_ptr<bool> alive_;
  const std::string dir_;
  const Dependencies deps_;
  const std::string path_;
  CodeRecipe recipe_;
  OnMade done_;
  std::string work_, source_, output_;
  BuildReport made_;
  bool cancelled_ = false;
  // What it waits for, 0 when it does not.
  TaskId task_ = 0;
  TaskId build_ = 0;
};

void CodeMaker::Make(const std::string& path, CodeRecipe recipe, OnMade done) {
  auto job =
      std::make_shared<Job>(*this, path, std::move(recipe), std::move(done));
  jobs_[path] = job;
  deps_.loop.Post([job] { job->Start(); });
}

void CodeMaker::Cancel(const std::string& path) {
  if (const auto it = jobs_.find(path); it != jobs_.end()) {
    const std::shared_ptr<Job> job = it->second;
    job->Cancel();
  }
}

}  // namespace so
