#pragma once

#include <string>
#include <vector>

#include "services/registry/field_problems.h"
#include "services/registry/function.h"
#include "services/registry/runtime.h"

namespace so {

// Checks functions before they are stored: the rules in the comments of
// function.proto. Reports every wrong field at once, with what is allowed.
// Thread-safe.
//
//   FieldProblems problems;
//   validator.Check(function, Validator::Code::kRequired, problems);
//   SO_RETURN_IF_ERROR(problems.ToStatus());
class Validator {
 public:
  // Whether code or archive must be there, or has been stored before and is
  // left out.
  enum class Code { kRequired, kStored };

  explicit Validator(std::vector<Runtime> runtimes);

  // `function` is what would be stored, left-out fields included; output
  // fields are not looked at.
  void Check(const Function& function, Code code,
             FieldProblems& problems) const;

 private:
  void CheckRuntime(const Function& function, FieldProblems& problems) const;

  const std::vector<Runtime> runtimes_;
  // "node, python, ...".
  std::string runtime_names_;
};

}  // namespace so
