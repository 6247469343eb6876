#include "services/registry/trigger_rules.h"

#include <algorithm>
#include <array>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/cron.h"
#include "base/time_zone.h"
#include "google/protobuf/util/json_util.h"

namespace so {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;
using serverless::function::v1::Trigger;

constexpr int kMaxTriggers = 20;
constexpr size_t kMaxConfigBytes = 4096;
constexpr size_t kMaxPathBytes = 1024;

constexpr std::array<absl::string_view, 7> kMethods = {
    "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"};
// Where the platform itself answers.
constexpr std::array<absl::string_view, 6> kOwnPaths = {
    "/functions",    "/health", "/metrics",
    "/openapi.json", "/docs",   "/2015-03-31"};

// The settings of one trigger type.
struct TriggerType {
  absl::string_view name;
  std::vector<absl::string_view> required;
  std::vector<absl::string_view> optional;
};

const std::vector<TriggerType>& TriggerTypes() {
  static const auto& types = *new std::vector<TriggerType>{
      {.name = "http", .required = {"path", "method"}},
      {.name = "schedule", .required = {"cron"}, .optional = {"timezone"}},
      {.name = "event", .required = {"source", "queueName"}}};
  return types;
}

const TriggerType* FindType(absl::string_view name) {
  for (const TriggerType& type : TriggerTypes()) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

bool IsKey(const TriggerType& type, absl::string_view key) {
  const auto in = [&](const std::vector<absl::string_view>& keys) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
  };
  return in(type.required) || in(type.optional);
}

// The text of a setting; empty when it is missing or no string.
absl::string_view TextOf(const Struct& config, const std::string& key) {
  const auto it = config.fields().find(key);
  if (it == config.fields().end()) return "";
  return it->second.string_value();
}

bool IsParameter(absl::string_view segment) {
  if (segment.size() < 3 || segment.front() != '{' || segment.back() != '}') {
    return false;
  }
  const absl::string_view name = segment.substr(1, segment.size() - 2);
  return !absl::ascii_isdigit(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return absl::ascii_isalnum(c) || c == '_'; });
}

// What is wrong with the segments of a path; empty when nothing is.
std::string SegmentProblem(absl::string_view path) {
  const std::vector<absl::string_view> segments =
      absl::StrSplit(path.substr(1), '/');
  absl::flat_hash_set<absl::string_view> parameters;
  for (size_t i = 0; i < segments.size(); ++i) {
    const absl::string_view segment = segments[i];
    const bool last = i + 1 == segments.size();
    if (segment == "." || segment == "..") return "must not contain . or ..";
    if (segment.empty() && !last) return "must not contain //";
    if (segment == "*" && last) continue;
    if (IsParameter(segment)) {
      if (!parameters.insert(segment).second) {
        return absl::StrCat("has the parameter ", segment, " twice");
      }
      continue;
    }
    if (segment.find_first_of("{}*") != absl::string_view::npos) {
      return "a parameter must be a whole segment, as in /users/{user}, and * "
             "the whole last one";
    }
  }
  return "";
}

std::string PathProblem(absl::string_view path) {
  if (path.empty() || path[0] != '/') return "must start with /";
  if (path.size() > kMaxPathBytes) return "must be at most 1024 bytes";
  const bool plain = std::all_of(path.begin(), path.end(), [](char c) {
    return absl::ascii_isgraph(c) && c != '?' && c != '#' && c != '%' &&
           c != '\\';
  });
  if (!plain) return "must be printable ASCII without spaces, ?, #, % and \\";
  if (std::string problem = SegmentProblem(path); !problem.empty()) {
    return problem;
  }
  const bool own = std::any_of(
      kOwnPaths.begin(), kOwnPaths.end(), [&](absl::string_view taken) {
        return path == taken ||
               path.substr(0, taken.size() + 1) == absl::StrCat(taken, "/");
      });
  if (path == "/" || own) {
    return absl::StrCat("is the platform's own: /, ",
                        absl::StrJoin(kOwnPaths, ", "),
                        " and what is below them cannot be taken");
  }
  return "";
}

void CheckHttp(const Struct& config, absl::string_view field,
               FieldProblems& problems) {
  const absl::string_view path = TextOf(config, "path");
  if (!path.empty()) {
    const std::string problem = PathProblem(path);
    if (!problem.empty()) {
      problems.Add(absl::StrCat(field, ".config.path"), problem);
    }
  }
  const absl::string_view method = TextOf(config, "method");
  if (!method.empty() &&
      std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end()) {
    problems.Add(
        absl::StrCat(field, ".config.method"),
        absl::StrCat("must be one of ", absl::StrJoin(kMethods, ", ")));
  }
}

void CheckSchedule(const Struct& config, absl::string_view field,
                   FieldProblems& problems) {
  const absl::string_view cron = TextOf(config, "cron");
  if (!cron.empty() && IsCleanText(cron)) {
    if (const auto schedule = CronSchedule::Parse(cron); !schedule.ok()) {
      problems.Add(absl::StrCat(field, ".config.cron"),
                   schedule.status().message());
    }
  }
  const absl::string_view zone = TextOf(config, "timezone");
  if (!zone.empty() && IsCleanText(zone)) {
    if (const auto found = FindTimeZone(zone); !found.ok()) {
      problems.Add(absl::StrCat(field, ".config.timezone"),
                   found.status().message());
    }
  }
}

// That every setting of the type is there and a text, and no other.
void CheckKeys(const TriggerType& type, const Struct& config,
               absl::string_view field, FieldProblems& problems) {
  for (const auto& [key, value] : config.fields()) {
    const std::string path = absl::StrCat(field, ".config.", Printable(key));
    if (!IsKey(type, key)) {
      std::vector<absl::string_view> allowed = type.required;
      allowed.insert(allowed.end(), type.optional.begin(), type.optional.end());
      problems.Add(path,
                   absl::StrCat("is unknown; a trigger of type ", type.name,
                                " has ", absl::StrJoin(allowed, ", ")));
    } else if (value.kind_case() != Value::kStringValue ||
               value.string_value().empty() ||
               !IsCleanText(value.string_value())) {
      problems.Add(path, "must be a non-empty text");
    }
  }
  for (const absl::string_view key : type.required) {
    if (config.fields().count(std::string(key)) == 0) {
      problems.Add(absl::StrCat(field, ".config.", key),
                   "is required unless the config is empty");
    }
  }
}

void CheckTrigger(const Trigger& trigger, absl::string_view field,
                  FieldProblems& problems) {
  const TriggerType* type = FindType(trigger.type());
  if (type == nullptr) {
    problems.Add(absl::StrCat(field, ".type"),
                 "must be one of http, schedule, event");
    return;
  }
  const Struct& config = trigger.config();
  if (config.fields().empty()) return;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(config, &json).ok() ||
      json.size() > kMaxConfigBytes) {
    problems.Add(absl::StrCat(field, ".config"),
                 "must be at most 4096 bytes as JSON");
    return;
  }
  CheckKeys(*type, config, field, problems);
  if (type->name == "http") CheckHttp(config, field, problems);
  if (type->name == "schedule") CheckSchedule(config, field, problems);
}

std::string RouteKey(absl::string_view method, absl::string_view path) {
  std::string key(method);
  for (const absl::string_view segment : absl::StrSplit(path.substr(1), '/')) {
    absl::StrAppend(&key, "/", IsParameter(segment) ? "{}" : segment);
  }
  return key;
}

}  // namespace

void CheckTriggers(const Function& function, FieldProblems& problems) {
  if (function.triggers_size() > kMaxTriggers) {
    problems.Add("triggers", "must be at most 20");
    return;
  }
  const size_t before = problems.list().size();
  for (int i = 0; i < function.triggers_size(); ++i) {
    CheckTrigger(function.triggers(i), absl::StrCat("triggers[", i, "]"),
                 problems);
  }
  // Routes are only defined for triggers that are in order.
  if (problems.list().size() != before) return;
  absl::flat_hash_set<std::string> keys;
  for (const HttpRoute& route : HttpRoutes(function)) {
    if (!keys.insert(route.key).second) {
      problems.Add(route.field, absl::StrCat(route.text, " is named twice"));
    }
  }
}

std::vector<HttpRoute> HttpRoutes(const Function& function) {
  std::vector<HttpRoute> routes;
  for (int i = 0; i < function.triggers_size(); ++i) {
    const Trigger& trigger = function.triggers(i);
    if (trigger.type() != "http" || trigger.config().fields().empty()) continue;
    const absl::string_view path = TextOf(trigger.config(), "path");
    const absl::string_view method = TextOf(trigger.config(), "method");
    routes.push_back({.field = absl::StrCat("triggers[", i, "].config.path"),
                      .text = absl::StrCat(method, " ", path),
                      .key = RouteKey(method, path)});
  }
  return routes;
}

}  // namespace so
