#include "services/registry/function_editor.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/ids.h"
#include "base/status_macros.h"
#include "services/registry/registry_errors.h"
#include "services/registry/trigger_rules.h"

namespace so {
namespace {

absl::StatusOr<FunctionRecord> FindToChange(const StagedFunctions& staged,
                                            const std::string& target,
                                            const std::string& etag) {
  std::optional<FunctionRecord> record = staged.Find(target);
  if (!record.has_value()) return NoFunctionError(target);
  if (!etag.empty() && etag != "*" && etag != record->function->etag()) {
    return EtagMismatchError(record->function->name());
  }
  return *std::move(record);
}

absl::Status CheckRoutes(const Function& function, const std::string& id,
                         const StagedFunctions& staged) {
  for (const HttpRoute& route : HttpRoutes(function)) {
    const std::string owner = staged.RouteOwner(route.key);
    if (owner.empty() || owner == id) continue;
    const auto other = staged.Find(owner);
    return RouteTakenError(route.field, route.text,
                           other ? other->function->name() : owner);
  }
  return absl::OkStatus();
}

// The change that makes `function` what it is from now on.
FunctionChange ChangeTo(Function function, int32_t last_version,
                        absl::Time now) {
  function.set_state("active");
  function.set_etag(RandomToken(16));
  SetTime(now, function.mutable_updated_at());
  return {.record = {
              .function = std::make_shared<const Function>(std::move(function)),
              .last_version = last_version}};
}

}  // namespace

absl::StatusOr<Function> FunctionEditor::Create(
    const Function& requested) const {
  Function function = Completed(requested);
  FieldProblems problems;
  KeepMaskedValues(nullptr, function, problems);
  validator_.Check(function, Validator::Code::kRequired, problems);
  SO_RETURN_IF_ERROR(problems.ToStatus());
  return function;
}

absl::StatusOr<Function> FunctionEditor::Edit(const EditRequest& request,
                                              const Function& current) const {
  Function next = request.fields.has_value()
                      ? Patched(current, request.function, *request.fields)
                      : Completed(request.function);
  if (next.name().empty()) next.set_name(current.name());
  FieldProblems problems;
  if (next.name() != current.name()) {
    problems.Add("name",
                 absl::StrCat("cannot be changed, it is ", current.name()));
    next.set_name(current.name());
  }
  KeepMaskedValues(&current, next, problems);
  bool has_code = !request.fields.has_value();
  for (const auto* field : request.fields.value_or(FunctionFields())) {
    has_code |= field->number() == Function::kCodeFieldNumber ||
                field->number() == Function::kArchiveFieldNumber;
  }
  const bool required = has_code && request.stored_code.empty();
  validator_.Check(
      next, required ? Validator::Code::kRequired : Validator::Code::kStored,
      problems);
  SO_RETURN_IF_ERROR(problems.ToStatus());
  next.set_code_sha256(request.stored_code.empty() ? current.code_sha256()
                                                   : request.stored_code);
  return next;
}

absl::StatusOr<FunctionChange> FunctionEditor::DecideCreate(
    const Function& completed, const std::string& id, absl::Time now,
    const StagedFunctions& staged) {
  if (staged.Find(completed.name()).has_value()) {
    return NameTakenError(completed.name());
  }
  SO_RETURN_IF_ERROR(CheckRoutes(completed, id, staged));
  Function function = completed;
  function.set_id(id);
  function.set_version(1);
  SetTime(now, function.mutable_created_at());
  FunctionChange change = ChangeTo(std::move(function), 1, now);
  change.new_version = VersionOf(*change.record.function, now);
  return change;
}

absl::StatusOr<FunctionChange> FunctionEditor::DecideEdit(
    const EditRequest& request, absl::Time now,
    const StagedFunctions& staged) const {
  SO_ASSIGN_OR_RETURN(const FunctionRecord record,
                      FindToChange(staged, request.target, request.etag));
  const Function& current = *record.function;
  SO_ASSIGN_OR_RETURN(Function next, Edit(request, current));
  SO_RETURN_IF_ERROR(CheckRoutes(next, current.id(), staged));
  const bool makes_version =
      !request.fields.has_value() || !RunsTheSame(next, current);
  const int32_t last = record.last_version + (makes_version ? 1 : 0);
  if (makes_version && request.built.has_value() &&
      !RunsTheSame(next, *request.built)) {
    return ChangedMeanwhileError(current.name());
  }
  next.set_id(current.id());
  next.set_version(makes_version ? last : current.version());
  *next.mutable_created_at() = current.created_at();
  FunctionChange change = ChangeTo(std::move(next), last, now);
  if (makes_version) {
    change.new_version = VersionOf(*change.record.function, now);
  }
  return change;
}

absl::StatusOr<FunctionChange> FunctionEditor::DecideRollback(
    const std::string& id, const std::string& etag, const Function& version,
    absl::Time now, const StagedFunctions& staged) {
  SO_ASSIGN_OR_RETURN(const FunctionRecord record,
                      FindToChange(staged, id, etag));
  return ChangeTo(AtVersion(*record.function, version), record.last_version,
                  now);
}

absl::StatusOr<FunctionChange> FunctionEditor::DecideDelete(
    const std::string& target, const std::string& etag,
    const StagedFunctions& staged) {
  SO_ASSIGN_OR_RETURN(FunctionRecord record,
                      FindToChange(staged, target, etag));
  return FunctionChange{.record = std::move(record), .deleted = true};
}

}  // namespace so
