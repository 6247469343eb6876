#include "services/registry/function_edits.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/registry/runtime.h"

namespace so {
namespace {

using google::protobuf::FieldDescriptor;
using serverless::registry::v1::FunctionVersion;

constexpr int kOutputFields[] = {
    Function::kIdFieldNumber,          Function::kVersionFieldNumber,
    Function::kEtagFieldNumber,        Function::kStateFieldNumber,
    Function::kStateReasonFieldNumber, Function::kCodeSha256FieldNumber,
    Function::kCreatedAtFieldNumber,   Function::kUpdatedAtFieldNumber};

bool IsOutput(const FieldDescriptor* field) {
  return std::find(std::begin(kOutputFields), std::end(kOutputFields),
                   field->number()) != std::end(kOutputFields);
}

template <typename Map>
bool SameMap(const Map& a, const Map& b) {
  return a.size() == b.size() &&
         std::all_of(a.begin(), a.end(), [&](const auto& entry) {
           const auto it = b.find(entry.first);
           return it != b.end() && it->second == entry.second;
         });
}

}  // namespace

Function Completed(Function requested) {
  for (const int number : kOutputFields) {
    requested.GetReflection()->ClearField(
        &requested, Function::descriptor()->FindFieldByNumber(number));
  }
  if (const Runtime* runtime = FindRuntime(requested.runtime());
      runtime != nullptr && requested.handler().empty()) {
    requested.set_handler(runtime->default_handler);
  }
  if (!requested.has_timeout()) requested.set_timeout(30000);
  if (!requested.has_memory()) requested.set_memory(128);
  if (!requested.has_max_instances()) requested.set_max_instances(20);
  if (!requested.has_concurrency()) requested.set_concurrency(1);
  if (requested.reuse().empty()) requested.set_reuse("warm");
  if (requested.network().empty()) requested.set_network("none");
  if (requested.has_scaling()) {
    for (auto& window : *requested.mutable_scaling()->mutable_windows()) {
      if (!window.has_instances()) window.set_instances(1);
    }
  }
  return requested;
}

FunctionFields FieldsOf(const google::protobuf::FieldMask& mask,
                        FieldProblems& problems) {
  FunctionFields fields;
  if (mask.paths().empty()) {
    problems.Add("updateMask", "is required: the fields to change");
  }
  for (const std::string& path : mask.paths()) {
    const std::string name = path.substr(0, path.find('.'));
    const FieldDescriptor* field =
        Function::descriptor()->FindFieldByName(name);
    if (field == nullptr) {
      field = Function::descriptor()->FindFieldByCamelcaseName(name);
    }
    if (field == nullptr) {
      problems.Add("updateMask",
                   absl::StrCat("names the unknown field ", Printable(name)));
    } else if (!IsOutput(field)) {
      fields.push_back(field);
    }
  }
  return fields;
}

Function Patched(const Function& current, const Function& patch,
                 const FunctionFields& fields) {
  Function merged = current;
  // Left alone are the fields that are not named: the rest is swapped in.
  Function source = patch;
  FunctionFields unique = fields;
  std::sort(unique.begin(), unique.end());
  unique.erase(std::unique(unique.begin(), unique.end()), unique.end());
  merged.GetReflection()->SwapFields(&merged, &source, unique);
  return Completed(std::move(merged));
}

void KeepMaskedValues(const Function* current, Function& function,
                      FieldProblems& problems) {
  for (auto& [name, value] : *function.mutable_environment()) {
    if (value != kMaskedValue) continue;
    const bool known =
        current != nullptr && current->environment().count(name) > 0;
    if (known) {
      value = current->environment().at(name);
    } else {
      problems.Add(
          absl::StrCat("environment.", Printable(name)),
          "*** keeps the value of an existing variable, and this one is new");
    }
  }
}

bool RunsTheSame(const Function& a, const Function& b) {
  return a.code_sha256() == b.code_sha256() && a.runtime() == b.runtime() &&
         a.handler() == b.handler() &&
         SameMap(a.environment(), b.environment());
}

Function VersionOf(const Function& function, absl::Time now) {
  Function version;
  version.set_version(function.version());
  version.set_runtime(function.runtime());
  version.set_handler(function.handler());
  version.set_code_sha256(function.code_sha256());
  *version.mutable_environment() = function.environment();
  SetTime(now, version.mutable_created_at());
  return version;
}

Function AtVersion(Function function, const Function& version) {
  function.set_version(version.version());
  function.set_runtime(version.runtime());
  function.set_handler(version.handler());
  function.set_code_sha256(version.code_sha256());
  *function.mutable_environment() = version.environment();
  return function;
}

Function Masked(Function function) {
  for (auto& [name, value] : *function.mutable_environment()) {
    value = kMaskedValue;
  }
  return function;
}

FunctionVersion MaskedVersion(const Function& version,
                              int32_t current_version) {
  FunctionVersion shown;
  shown.set_version(version.version());
  shown.set_runtime(version.runtime());
  shown.set_handler(version.handler());
  shown.set_code_sha256(version.code_sha256());
  for (const auto& [name, value] : version.environment()) {
    (*shown.mutable_environment())[name] = kMaskedValue;
  }
  shown.set_current(version.version() == current_version);
  *shown.mutable_created_at() = version.created_at();
  return shown;
}

void SetTime(absl::Time time, google::protobuf::Timestamp* timestamp) {
  const int64_t micros = absl::ToUnixMicros(time);
  timestamp->set_seconds(micros / 1000000);
  timestamp->set_nanos(static_cast<int32_t>(micros % 1000000) * 1000);
}

}  // namespace so
