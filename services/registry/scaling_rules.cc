#include "services/registry/scaling_rules.h"

#include <algorithm>
#include <array>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/cron.h"
#include "base/time_zone.h"

namespace so {
namespace {

using serverless::function::v1::Scaling;
using serverless::function::v1::WarmWindow;

constexpr int kMaxPolicies = 8;
constexpr int kMaxWindows = 20;

constexpr std::array<absl::string_view, 8> kPolicies = {
    "thresholds", "concurrency", "drain",     "latency",
    "history",    "windows",     "schedules", "prediction"};

// Not a number is refused as well.
template <typename T>
void CheckRange(absl::string_view field, T value, T min, T max,
                FieldProblems& problems) {
  if (value >= min && value <= max) return;
  problems.Add(field,
               absl::StrCat("must be ", min, " to ", max, ", is ", value));
}

template <typename T>
void CheckZeroOrRange(absl::string_view field, T value, T min, T max,
                      FieldProblems& problems) {
  if (value == 0 || (value >= min && value <= max)) return;
  problems.Add(field,
               absl::StrCat("must be 0 or ", min, " to ", max, ", is ", value));
}

void CheckZone(absl::string_view field, absl::string_view name,
               FieldProblems& problems) {
  if (const auto zone = FindTimeZone(name); !zone.ok()) {
    problems.Add(field, zone.status().message());
  }
}

void CheckPolicies(const Scaling& scaling, FieldProblems& problems) {
  if (scaling.policies_size() > kMaxPolicies) {
    problems.Add("scaling.policies", "must be at most 8");
    return;
  }
  absl::flat_hash_set<absl::string_view> named;
  for (int i = 0; i < scaling.policies_size(); ++i) {
    const absl::string_view policy = scaling.policies(i);
    const std::string field = absl::StrCat("scaling.policies[", i, "]");
    if (std::find(kPolicies.begin(), kPolicies.end(), policy) ==
        kPolicies.end()) {
      problems.Add(field, absl::StrCat("must be one of ",
                                       absl::StrJoin(kPolicies, ", ")));
    } else if (!named.insert(policy).second) {
      problems.Add(field, absl::StrCat(policy, " is named twice"));
    }
  }
}

void CheckWindow(const WarmWindow& window, absl::string_view field,
                 FieldProblems& problems) {
  if (const auto start = CronSchedule::Parse(window.start()); !start.ok()) {
    problems.Add(absl::StrCat(field, ".start"), start.status().message());
  }
  CheckRange(absl::StrCat(field, ".duration"), window.duration(), 60000,
             604800000, problems);
  CheckZone(absl::StrCat(field, ".timeZone"), window.time_zone(), problems);
  if (window.has_instances()) {
    CheckRange(absl::StrCat(field, ".instances"), window.instances(), 1, 1000,
               problems);
  }
}

void CheckWindows(const Scaling& scaling, FieldProblems& problems) {
  if (scaling.windows_size() > kMaxWindows) {
    problems.Add("scaling.windows", "must be at most 20");
    return;
  }
  for (int i = 0; i < scaling.windows_size(); ++i) {
    CheckWindow(scaling.windows(i), absl::StrCat("scaling.windows[", i, "]"),
                problems);
  }
}

}  // namespace

void CheckScaling(const Function& function, FieldProblems& problems) {
  if (!function.has_scaling()) return;
  const Scaling& scaling = function.scaling();
  CheckPolicies(scaling, problems);
  CheckZeroOrRange("scaling.targetUtilization", scaling.target_utilization(),
                   0.1, 1.0, problems);
  CheckZeroOrRange("scaling.targetWait", scaling.target_wait(), 1, 60000,
                   problems);
  CheckZeroOrRange("scaling.targetResponse", scaling.target_response(), 1,
                   900000, problems);
  CheckWindows(scaling, problems);
  CheckZone("scaling.timeZone", scaling.time_zone(), problems);
  CheckZeroOrRange("scaling.idleBudget", scaling.idle_budget(), 0.001, 1e9,
                   problems);
}

}  // namespace so
