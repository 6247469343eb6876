#include "services/registry/list_filter.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/registry/client/function_reference.h"
#include "services/registry/field_problems.h"

namespace so {
namespace {

constexpr size_t kMaxFilterBytes = 4096;

absl::Status TermError(absl::string_view term) {
  return InvalidArgument(
      "filter",
      absl::StrCat("cannot read \"", Printable(term),
                   "\": terms are name=prefix*, name=exact, runtime=node and "
                   "labels.key=value, joined by \" AND \""));
}

}  // namespace

absl::StatusOr<ListFilter> ListFilter::Parse(absl::string_view text) {
  ListFilter filter;
  if (text.empty()) return filter;
  if (text.size() > kMaxFilterBytes) {
    return InvalidArgument("filter", "must be at most 4096 bytes");
  }
  bool has_name = false;
  for (const absl::string_view term : absl::StrSplit(text, " AND ")) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(term, absl::MaxSplits('=', 1));
    absl::string_view key = parts.first;
    absl::string_view value = parts.second;
    if (key.size() == term.size()) return TermError(term);
    if (key == "name" && !has_name) {
      has_name = true;
      filter.exact_name_ = !absl::ConsumeSuffix(&value, "*");
      const bool any = value.empty() && !filter.exact_name_;
      if (!any && !IsFunctionName(value)) return TermError(term);
      filter.name_prefix_ = std::string(value);
    } else if (key == "runtime" && filter.runtime_.empty() && !value.empty()) {
      filter.runtime_ = std::string(value);
    } else if (absl::ConsumePrefix(&key, "labels.") && !key.empty()) {
      filter.labels_.emplace_back(key, value);
    } else {
      return TermError(term);
    }
  }
  return filter;
}

bool ListFilter::Matches(const Function& function) const {
  if (exact_name_ ? function.name() != name_prefix_
                  : !absl::StartsWith(function.name(), name_prefix_)) {
    return false;
  }
  if (!runtime_.empty() && function.runtime() != runtime_) return false;
  return std::all_of(labels_.begin(), labels_.end(), [&](const auto& label) {
    const auto it = function.labels().find(label.first);
    return it != function.labels().end() && it->second == label.second;
  });
}

}  // namespace so
