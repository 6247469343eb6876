#include "services/registry/environment_rules.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace so {
namespace {

constexpr size_t kMaxEnvironmentBytes = 4096;

// Set by the platform, or able to change how a runtime starts.
constexpr std::array<absl::string_view, 4> kReservedPrefixes = {
    "AWS_LAMBDA_", "LAMBDA_", "SO_", "LD_"};
constexpr std::array<absl::string_view, 15> kReservedNames = {
    "PATH",
    "AWS_EXECUTION_ENV",
    "GLIBC_TUNABLES",
    "BASH_ENV",
    "NODE_OPTIONS",
    "NODE_PATH",
    "NODE_CHANNEL_FD",
    "NODE_REPL_EXTERNAL_MODULE",
    "NODE_V8_COVERAGE",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "PYTHONEXECUTABLE",
    "PYTHONINSPECT",
    "PYTHONPLATLIBDIR"};

bool IsReserved(absl::string_view name) {
  return absl::StartsWith(name, "_") ||
         std::any_of(kReservedPrefixes.begin(), kReservedPrefixes.end(),
                     [&](absl::string_view prefix) {
                       return absl::StartsWith(name, prefix);
                     }) ||
         std::find(kReservedNames.begin(), kReservedNames.end(), name) !=
             kReservedNames.end();
}

bool IsVariableName(absl::string_view name) {
  return !name.empty() && absl::ascii_isalpha(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return absl::ascii_isalnum(c) || c == '_'; });
}

}  // namespace

void CheckEnvironment(const Function& function, FieldProblems& problems) {
  size_t total = 0;
  for (const auto& [name, value] : function.environment()) {
    total += name.size() + value.size();
    const std::string field = absl::StrCat("environment.", Printable(name));
    if (IsReserved(name)) {
      problems.Add(field, "is reserved for the platform");
    } else if (!IsVariableName(name)) {
      problems.Add(field,
                   "a name must be letters, digits and _, a letter first");
    }
    if (!IsCleanText(value)) {
      problems.Add(field, "a value must be UTF-8 without NUL");
    }
  }
  if (total > kMaxEnvironmentBytes) {
    problems.Add("environment",
                 absl::StrCat("names and values together must be at most 4096 "
                              "bytes, these are ",
                              total));
  }
}

}  // namespace so
