#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/registry/function.h"

namespace so {

// Which functions a list shows: `name=hello`, `name=he*`, `runtime=node` and
// `labels.team=core`, joined by " AND ". Immutable.
class ListFilter {
 public:
  // INVALID_ARGUMENT on "filter".
  static absl::StatusOr<ListFilter> Parse(absl::string_view text);

  bool Matches(const Function& function) const;

  // Every matching name starts with this.
  const std::string& name_prefix() const { return name_prefix_; }

 private:
  std::string name_prefix_;
  // Names are exactly the prefix.
  bool exact_name_ = false;
  std::string runtime_;
  std::vector<std::pair<std::string, std::string>> labels_;
};

}  // namespace so
