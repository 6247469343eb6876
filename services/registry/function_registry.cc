#include "services/registry/function_registry.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/ids.h"
#include "base/status_macros.h"
#include "services/registry/client/function_reference.h"
#include "services/registry/client/sha256.h"
#include "services/registry/registry_errors.h"
#include "services/registry/runtime.h"

namespace so {
namespace {

using serverless::registry::v1::DeleteFunctionRequest;
using serverless::registry::v1::ReplaceFunctionRequest;
using serverless::registry::v1::RollbackFunctionRequest;
using serverless::registry::v1::UpdateFunctionRequest;

// The id or name of the function to change.
absl::StatusOr<std::string> TargetOf(const std::string& id) {
  SO_ASSIGN_OR_RETURN(FunctionReference reference,
                      ParseFunctionReference(id, "id"));
  if (reference.version.has_value()) {
    return InvalidArgument("id", "a version cannot be changed: leave it out");
  }
  return std::move(reference.function);
}

// The revision to begin a life with. It jumps ahead of every earlier life, also
// of those that a restored backup does not know of, so that a watcher which has
// seen them never resumes by mistake.
int64_t FirstRevision(int64_t stored, const Clock& clock) {
  return std::max(stored + 1, absl::ToUnixMicros(clock.WallNow()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<FunctionRegistry>> FunctionRegistry::Create(
    Options options, FunctionStore& store, FunctionBuilder& builder,
    const Clock& clock) {
  SO_ASSIGN_OR_RETURN(FunctionStore::Contents contents, store.Load());
  const ChangeSet stored{.revision = FirstRevision(contents.revision, clock),
                         .changed = std::move(contents.functions)};
  return std::unique_ptr<FunctionRegistry>(
      new FunctionRegistry(options, store, builder, clock, stored));
}

FunctionRegistry::FunctionRegistry(Options options, FunctionStore& store,
                                   FunctionBuilder& builder, const Clock& clock,
                                   const ChangeSet& stored)
    : clock_(clock),
      store_(store),
      gate_(builder),
      editor_(Validator(SupportedRuntimes())),
      index_(stored),
      feed_(index_, options.watch_history),
      commit_(store, index_, feed_),
      queue_(options.write_queue_depth,
             [this](std::vector<Mutation> group) {
               commit_.Run(std::move(group));
             }),
      pool_(options.disk_threads, options.write_queue_depth),
      catalog_(index_, store, pool_) {}

void FunctionRegistry::Drain() {
  queue_.Close();
  feed_.Close(ShuttingDownError());
}

void FunctionRegistry::Create(const Function& function, OnFunction done,
                              Caller caller) {
  Answer answer = StartAnswer("function created", std::move(done));
  absl::StatusOr<Function> completed = editor_.Create(function);
  // Decided again by the writer; known now, it saves a build.
  if (completed.ok() && index_.Find(completed->name()).has_value()) {
    completed = NameTakenError(completed->name());
  }
  if (!completed.ok()) {
    answer.done(completed.status());
    return;
  }
  BuildAndStore(*std::move(completed), std::move(caller),
                [this, answer = std::move(answer)](
                    absl::StatusOr<Function> stored) mutable {
                  if (!stored.ok()) {
                    answer.done(std::move(stored).status());
                    return;
                  }
                  SubmitCreate(*std::move(stored), std::move(answer));
                });
}

void FunctionRegistry::SubmitCreate(Function completed, Answer answer) {
  Submit(
      [this, function = std::move(completed),
       id = MakeId("fn", clock_)](const StagedFunctions& staged) {
        return FunctionEditor::DecideCreate(function, id, clock_.WallNow(),
                                            staged);
      },
      std::move(answer));
}

void FunctionRegistry::Replace(const ReplaceFunctionRequest& request,
                               OnFunction done, Caller caller) {
  absl::StatusOr<std::string> target = TargetOf(request.id());
  if (!target.ok()) {
    done(target.status());
    return;
  }
  Edit({.target = *std::move(target),
        .etag = request.etag(),
        .function = request.function()},
       "function replaced", std::move(done), std::move(caller));
}

void FunctionRegistry::Update(const UpdateFunctionRequest& request,
                              OnFunction done, Caller caller) {
  absl::StatusOr<std::string> target = TargetOf(request.id());
  FieldProblems problems;
  FunctionFields fields = FieldsOf(request.update_mask(), problems);
  absl::Status wrong = target.status();
  wrong.Update(problems.ToStatus());
  if (!wrong.ok()) {
    done(wrong);
    return;
  }
  EditRequest edit{.target = *std::move(target),
                   .etag = request.etag(),
                   .function = request.function()};
  edit.fields = std::move(fields);
  Edit(std::move(edit), "function updated", std::move(done), std::move(caller));
}

void FunctionRegistry::Edit(EditRequest request, const char* event,
                            OnFunction done, Caller caller) {
  Answer answer = StartAnswer(event, std::move(done));
  const auto record = index_.Find(request.target);
  absl::StatusOr<Function> next = record.has_value()
                                      ? editor_.Edit(request, *record->function)
                                      : NoFunctionError(request.target);
  if (!next.ok()) {
    answer.done(std::move(next).status());
    return;
  }
  // The edit goes on without the code: it is in `next`.
  request.function.clear_code();
  request.function.clear_archive();
  const bool has_code = !next->code().empty() || !next->archive().empty();
  if (!has_code && RunsTheSame(*next, *record->function)) {
    request.built = *std::move(next);
    SubmitEdit(std::move(request), std::move(answer));
    return;
  }
  BuildAndStore(
      *std::move(next), std::move(caller),
      [this, has_code, request = std::move(request),
       answer = std::move(answer)](absl::StatusOr<Function> stored) mutable {
        if (!stored.ok()) {
          answer.done(std::move(stored).status());
          return;
        }
        if (has_code) request.stored_code = stored->code_sha256();
        request.built = *std::move(stored);
        SubmitEdit(std::move(request), std::move(answer));
      });
}

void FunctionRegistry::BuildAndStore(Function function, Caller caller,
                                     OnFunction then) {
  auto shared = std::make_shared<Function>(std::move(function));
  const auto go_on = [this, shared, caller](absl::Status checked,
                                            OnFunction& next) {
    if (checked.ok() && caller->cancelled()) checked = absl::CancelledError();
    std::string& code = shared->archive().empty() ? *shared->mutable_code()
                                                  : *shared->mutable_archive();
    if (!checked.ok() || code.empty()) {
      next(checked.ok() ? absl::StatusOr<Function>(std::move(*shared))
                        : checked);
      return;
    }
    StoreCode(std::exchange(code, ""),
              [shared, next = std::move(next)](
                  absl::StatusOr<std::string> sha256) mutable {
                if (!sha256.ok()) {
                  next(std::move(sha256).status());
                  return;
                }
                shared->set_code_sha256(*std::move(sha256));
                next(std::move(*shared));
              });
  };
  gate_.Check(*shared, caller,
              [go_on, then = std::move(then)](absl::Status checked) mutable {
                go_on(std::move(checked), then);
              });
}

void FunctionRegistry::SubmitEdit(EditRequest request, Answer answer) {
  Submit(
      [this, request = std::move(request)](const StagedFunctions& staged) {
        return editor_.DecideEdit(request, clock_.WallNow(), staged);
      },
      std::move(answer));
}

void FunctionRegistry::Rollback(const RollbackFunctionRequest& request,
                                OnFunction done, Caller caller) {
  absl::StatusOr<std::string> target = TargetOf(request.id());
  if (!target.ok()) {
    done(target.status());
    return;
  }
  if (request.version() < 1) {
    done(InvalidArgument("version", "is required: a number from 1"));
    return;
  }
  // Versions never change, so this one may be read before its turn.
  const std::string reference = absl::StrCat(*target, ":", request.version());
  catalog_.Resolve(
      reference,
      [this, etag = request.etag(), caller = std::move(caller),
       answer = StartAnswer("function rolled back", std::move(done))](
          absl::StatusOr<Function> version) mutable {
        if (!version.ok()) {
          answer.done(std::move(version).status());
          return;
        }
        gate_.Check(*version, caller,
                    [this, etag = std::move(etag), version = *version, caller,
                     answer = std::move(answer)](absl::Status checked) mutable {
                      if (caller->cancelled()) checked = absl::CancelledError();
                      if (!checked.ok() && !absl::IsUnavailable(checked)) {
                        answer.done(std::move(checked));
                        return;
                      }
                      SubmitRollback(std::move(etag), std::move(version),
                                     std::move(answer));
                    });
      });
}

void FunctionRegistry::SubmitRollback(std::string etag, Function version,
                                      Answer answer) {
  Submit(
      [this, etag = std::move(etag),
       version = std::move(version)](const StagedFunctions& staged) {
        return FunctionEditor::DecideRollback(version.id(), etag, version,
                                              clock_.WallNow(), staged);
      },
      std::move(answer));
}

void FunctionRegistry::Delete(const DeleteFunctionRequest& request,
                              OnDeleted done) {
  absl::StatusOr<std::string> target = TargetOf(request.id());
  if (!target.ok()) {
    done(target.status());
    return;
  }
  Submit(
      [target = *std::move(target),
       etag = request.etag()](const StagedFunctions& staged) {
        return FunctionEditor::DecideDelete(target, etag, staged);
      },
      StartAnswer(
          "function deleted",
          [done = std::move(done)](absl::StatusOr<Function> deleted) mutable {
            done(std::move(deleted).status());
          }));
}

void FunctionRegistry::StoreCode(
    std::string code,
    absl::AnyInvocable<void(absl::StatusOr<std::string>)> then) {
  using Then = absl::AnyInvocable<void(absl::StatusOr<std::string>)>;
  auto shared = std::make_shared<Then>(std::move(then));
  const bool accepted = pool_.Submit([this, shared, code = std::move(code)] {
    std::string sha256 = Sha256Hex(code);
    const absl::Status stored = store_.PutCode(sha256, code);
    (*shared)(stored.ok() ? absl::StatusOr<std::string>(std::move(sha256))
                          : stored);
  });
  if (!accepted) (*shared)(OverloadedError());
}

void FunctionRegistry::Submit(decltype(Mutation::decide) decide,
                              Answer answer) {
  queue_.Submit({.decide = std::move(decide),
                 .done = [this, answer = std::move(answer)](
                             absl::StatusOr<FunctionPtr> result) mutable {
                   if (!result.ok()) {
                     answer.done(std::move(result).status());
                     return;
                   }
                   const Function& function = **result;
                   log_.Info(answer.event,
                             {{"function_id", function.id()},
                              {"name", function.name()},
                              {"version", function.version()},
                              {"ms", clock_.Now() - answer.started}});
                   answer.done(Masked(function));
                 }});
}

FunctionRegistry::Answer FunctionRegistry::StartAnswer(const char* event,
                                                       OnFunction done) const {
  return {.event = event, .started = clock_.Now(), .done = std::move(done)};
}

}  // namespace so
