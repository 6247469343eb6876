#include "services/registry/validator.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/registry/client/archive_format.h"
#include "services/registry/client/function_reference.h"
#include "services/registry/environment_rules.h"
#include "services/registry/scaling_rules.h"
#include "services/registry/trigger_rules.h"

namespace so {
namespace {

constexpr size_t kMaxCodeBytes = 4 << 20;
constexpr size_t kMaxArchiveBytes = 50 << 20;
constexpr size_t kMaxHandlerBytes = 256;
constexpr size_t kMaxDescriptionBytes = 1024;
constexpr int kMaxLabels = 32;
constexpr size_t kMaxLabelValueBytes = 256;

void CheckRange(absl::string_view field, int value, int min, int max,
                FieldProblems& problems) {
  if (value >= min && value <= max) return;
  problems.Add(field,
               absl::StrCat("must be ", min, " to ", max, ", is ", value));
}

// Whether a name could be taken for an id: "fn-<digits>-<6 characters>".
bool LooksLikeId(absl::string_view name) {
  if (!absl::StartsWith(name, "fn-")) return false;
  const absl::string_view rest = name.substr(3);
  const size_t dash = rest.find('-');
  return dash != absl::string_view::npos && dash > 0 &&
         std::all_of(rest.begin(), rest.begin() + dash, absl::ascii_isdigit) &&
         rest.size() == dash + 1 + 6;
}

void CheckName(const Function& function, FieldProblems& problems) {
  if (!IsFunctionName(function.name())) {
    problems.Add("name",
                 "must be 1 to 63 lower-case letters, digits and dashes, not a "
                 "dash first");
  } else if (LooksLikeId(function.name())) {
    problems.Add("name", "must not have the form of an id");
  }
}

void CheckArchive(const Function& function, FieldProblems& problems) {
  if (!function.code().empty()) {
    problems.Add("archive", "must not be given together with code");
  } else if (function.archive().size() > kMaxArchiveBytes) {
    problems.Add("archive",
                 absl::StrCat("must be at most ", kMaxArchiveBytes,
                              " bytes, is ", function.archive().size()));
  } else if (!IsArchive(function.archive())) {
    problems.Add("archive", "must be a zip or a tar.gz");
  }
}

void CheckCode(const Function& function, Validator::Code code,
               FieldProblems& problems) {
  if (!function.archive().empty()) {
    CheckArchive(function, problems);
    return;
  }
  if (function.code().empty()) {
    if (code == Validator::Code::kRequired) {
      problems.Add("code",
                   "is required: the source of the function, or an archive");
    }
  } else if (function.code().size() > kMaxCodeBytes) {
    problems.Add("code", absl::StrCat("must be at most ", kMaxCodeBytes,
                                      " bytes, is ", function.code().size()));
  } else if (!IsCleanText(function.code())) {
    problems.Add("code", "must be UTF-8 without NUL");
  }
}

void CheckConcurrency(const Function& f, FieldProblems& problems) {
  CheckRange("concurrency", f.concurrency(), 1, 100, problems);
  if (f.concurrency() <= 1) return;
  const Runtime* runtime = FindRuntime(f.runtime());
  if (runtime != nullptr && !runtime->concurrent) {
    problems.Add("concurrency",
                 absl::StrCat("must be 1 for ", runtime->name,
                              "; node and go can run more calls at a time"));
  }
  if (f.reuse() == "never") {
    problems.Add("concurrency", "must be 1 when reuse is \"never\"");
  }
}

void CheckLimits(const Function& f, FieldProblems& problems) {
  CheckRange("timeout", f.timeout(), 1, 900000, problems);
  CheckRange("memory", f.memory(), 32, 10240, problems);
  CheckRange("minInstances", f.min_instances(), 0, 1000, problems);
  CheckRange("maxInstances", f.max_instances(), 1, 1000, problems);
  if (f.min_instances() > f.max_instances() && f.min_instances() <= 1000 &&
      f.max_instances() >= 1) {
    problems.Add("minInstances", absl::StrCat("must not be above maxInstances, "
                                              "which is ",
                                              f.max_instances()));
  }
  CheckConcurrency(f, problems);
  if (f.has_idle_timeout()) {
    CheckRange("idleTimeout", f.idle_timeout(), 1000, 86400000, problems);
  }
  if (f.has_max_age()) {
    CheckRange("maxAge", f.max_age(), 1000, 86400000, problems);
  }
  CheckRange("concurrencyLimit", f.concurrency_limit(), 0, 100000, problems);
  // Not a number is refused as well.
  if (f.rate_limit() != 0 &&
      !(f.rate_limit() >= 0.01 && f.rate_limit() <= 100000)) {
    problems.Add("rateLimit", absl::StrCat("must be 0 or 0.01 to 100000, is ",
                                           f.rate_limit()));
  }
  CheckRange("rateBurst", f.rate_burst(), 0, 100000, problems);
  if (f.reuse() != "warm" && f.reuse() != "never") {
    problems.Add("reuse", "must be one of warm, never");
  }
  if (f.network() != "none" && f.network() != "egress") {
    problems.Add("network", "must be one of none, egress");
  }
}

bool IsLabelKey(absl::string_view key) {
  if (key.empty() || key.size() > 63) return false;
  const auto alphanumeric = [](char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c);
  };
  return alphanumeric(key[0]) &&
         std::all_of(key.begin(), key.end(), [&](char c) {
           return alphanumeric(c) || absl::StrContains("._/-", c);
         });
}

void CheckTexts(const Function& function, FieldProblems& problems) {
  if (function.description().size() > kMaxDescriptionBytes) {
    problems.Add("description", "must be at most 1024 bytes");
  } else if (!IsCleanText(function.description())) {
    problems.Add("description", "must be UTF-8 without NUL");
  }
  if (function.labels_size() > kMaxLabels) {
    problems.Add("labels", "must be at most 32");
    return;
  }
  for (const auto& [key, value] : function.labels()) {
    const std::string field = absl::StrCat("labels.", Printable(key));
    if (!IsLabelKey(key)) {
      problems.Add(field,
                   "a key must be 1 to 63 lower-case letters, digits, dots, "
                   "dashes, underscores and slashes, a letter or digit first");
    }
    if (value.size() > kMaxLabelValueBytes) {
      problems.Add(field, "a value must be at most 256 bytes");
    } else if (!IsCleanText(value)) {
      problems.Add(field, "a value must be UTF-8 without NUL");
    }
  }
}

}  // namespace

Validator::Validator(std::vector<Runtime> runtimes)
    : runtimes_(std::move(runtimes)) {
  for (const Runtime& runtime : runtimes_) {
    absl::StrAppend(&runtime_names_, runtime_names_.empty() ? "" : ", ",
                    runtime.name);
  }
}

void Validator::Check(const Function& function, Code code,
                      FieldProblems& problems) const {
  CheckName(function, problems);
  CheckRuntime(function, problems);
  CheckCode(function, code, problems);
  CheckLimits(function, problems);
  CheckScaling(function, problems);
  CheckEnvironment(function, problems);
  CheckTexts(function, problems);
  CheckTriggers(function, problems);
}

void Validator::CheckRuntime(const Function& function,
                             FieldProblems& problems) const {
  const auto runtime = std::find_if(
      runtimes_.begin(), runtimes_.end(),
      [&](const Runtime& r) { return r.name == function.runtime(); });
  if (runtime == runtimes_.end()) {
    problems.Add("runtime", absl::StrCat("must be one of ", runtime_names_));
  }
  const std::string& handler = function.handler();
  if (handler.empty() || handler.size() > kMaxHandlerBytes) {
    problems.Add("handler", "must be 1 to 256 bytes");
  } else if (runtime != runtimes_.end() &&
             (!std::regex_match(handler, runtime->handler) ||
              absl::StrContains(handler, "//"))) {
    problems.Add("handler", absl::StrCat("must be ", runtime->handler_form));
  }
}

}  // namespace so
