#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/error.h"

namespace so {

// Collects what is wrong with a request, each field by the path under which
// the client wrote it.
class FieldProblems {
 public:
  void Add(absl::string_view field, absl::string_view problem) {
    FieldProblem& entry = list_.emplace_back();
    entry.set_field(std::string(field));
    entry.set_problem(std::string(problem));
  }
  const std::vector<FieldProblem>& list() const { return list_; }

  // OK when there are none.
  absl::Status ToStatus() const {
    return list_.empty() ? absl::OkStatus() : InvalidArgument(list_);
  }

 private:
  std::vector<FieldProblem> list_;
};

// `text` shortened and with everything but printable ASCII escaped, so that a
// client's own key can appear in a field path or a message.
std::string Printable(absl::string_view text);

// Whether `text` is valid UTF-8 without NUL.
bool IsCleanText(absl::string_view text);

}  // namespace so
