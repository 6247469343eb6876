#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/registry/function_edits.h"
#include "services/registry/staged_functions.h"
#include "services/registry/validator.h"
#include "services/registry/write_queue.h"

namespace so {

// A client's wish to change a function.
struct EditRequest {
  // Id or name, without version.
  std::string target;
  // Empty: no check. "*": any.
  std::string etag;
  Function function;
  // The fields to take over from `function`; nothing inside: all of them.
  std::optional<FunctionFields> fields;
  // Of the new code, once it is stored; `function` has no code from then on.
  std::string stored_code;
  // What has been built for this edit; a version is made of nothing else.
  std::optional<Function> built;
};

// Turns wishes into changes: the rules of create, replace, update, rollback and
// delete. Without effects, so that it can look twice: once before the code is
// stored, and again on the writer thread. Thread-safe.
class FunctionEditor {
 public:
  explicit FunctionEditor(Validator validator)
      : validator_(std::move(validator)) {}

  // Checks a new function, whose code is `stored_code` unless that is empty;
  // returns it completed, with its code.
  absl::StatusOr<Function> Create(const Function& requested) const;
  // Checks an edit against what is current; returns the function afterwards,
  // without output fields but for the code's hash, and with its code unless
  // that is stored already.
  absl::StatusOr<Function> Edit(const EditRequest& request,
                                const Function& current) const;

  // The changes, decided on the writer thread.
  static absl::StatusOr<FunctionChange> DecideCreate(
      const Function& completed, const std::string& id, absl::Time now,
      const StagedFunctions& staged);
  absl::StatusOr<FunctionChange> DecideEdit(
      const EditRequest& request, absl::Time now,
      const StagedFunctions& staged) const;
  // `version` is what VersionOf made of the version to go back to.
  static absl::StatusOr<FunctionChange> DecideRollback(
      const std::string& id, const std::string& etag, const Function& version,
      absl::Time now, const StagedFunctions& staged);
  static absl::StatusOr<FunctionChange> DecideDelete(
      const std::string& target, const std::string& etag,
      const StagedFunctions& staged);

 private:
  const Validator validator_;
};

}  // namespace so
