#include "services/pool/runtime_catalog.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "google/protobuf/text_format.h"

namespace so {
namespace {

namespace pb = serverless::config::v1;

constexpr size_t kMaxHandlerBytes = 256;
constexpr int kDefaultMaxPids = 128;

// A folder or file that can only be below the directory it is looked up in.
bool IsPlainName(absl::string_view name) {
  return !name.empty() && name[0] != '.' && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '_' || c == '-' || c == '.' ||
                  c == '$' || static_cast<unsigned char>(c) >= 0x80;
         });
}

absl::StatusOr<Runtime> LoadRuntime(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "runtime.textproto";
  std::ifstream stream(file);
  const std::string text((std::istreambuf_iterator<char>(stream)),
                         std::istreambuf_iterator<char>());
  pb::RuntimeDescriptor descriptor;
  if (!stream ||
      !google::protobuf::TextFormat::ParseFromString(text, &descriptor)) {
    return absl::InvalidArgumentError(
        absl::StrCat(file.string(), ": not a RuntimeDescriptor"));
  }
  if (descriptor.name().empty() || descriptor.zygote().empty() ||
      descriptor.source().split() == pb::SourceRule::SPLIT_UNSPECIFIED) {
    return absl::InvalidArgumentError(absl::StrCat(
        file.string(), ": name, zygote and source.split must be set"));
  }
  return Runtime(std::move(descriptor));
}

}  // namespace

Runtime::Runtime(pb::RuntimeDescriptor descriptor)
    : descriptor_(std::move(descriptor)) {}

int Runtime::EnforcedMemory(int memory) const {
  return std::max(memory, descriptor_.memory_floor());
}

int Runtime::max_pids() const {
  return descriptor_.max_pids() > 0 ? descriptor_.max_pids() : kDefaultMaxPids;
}

absl::StatusOr<std::vector<std::string>> Runtime::SourceFiles(
    absl::string_view handler) const {
  const pb::SourceRule& source = descriptor_.source();
  if (!takes_inline_code()) {
    return absl::InvalidArgumentError(
        absl::StrCat(name(), " takes its code as an archive only"));
  }
  if (source.split() == pb::SourceRule::SPLIT_NONE) {
    return std::vector<std::string>(source.files().begin(),
                                    source.files().end());
  }
  const absl::Status malformed = absl::InvalidArgumentError(
      absl::StrCat("the handler must look like file.export: ", handler));
  const size_t segment = handler.rfind('/') + 1;  // 0 without a slash.
  const absl::string_view last = handler.substr(segment);
  const size_t dot = source.split() == pb::SourceRule::SPLIT_FIRST_DOT
                         ? last.find('.')
                         : last.rfind('.');
  if (handler.size() > kMaxHandlerBytes || dot == absl::string_view::npos ||
      dot + 1 == last.size()) {
    return malformed;
  }
  std::string file(handler.substr(0, segment + dot));
  if (source.dots_are_folders())
    std::replace(file.begin(), file.end(), '.', '/');
  for (absl::string_view part : absl::StrSplit(file, '/')) {
    if (!IsPlainName(part)) return malformed;
  }
  std::vector<std::string> files;
  for (const std::string& pattern : source.files()) {
    files.push_back(absl::StrReplaceAll(pattern, {{"{file}", file}}));
  }
  return files;
}

absl::StatusOr<RuntimeCatalog> RuntimeCatalog::Load(
    const std::string& directory) {
  std::map<std::string, Runtime> runtimes;
  std::vector<std::string> problems;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(directory, error)) {
    if (!std::filesystem::exists(entry.path() / "runtime.textproto")) continue;
    absl::StatusOr<Runtime> runtime = LoadRuntime(entry.path());
    if (!runtime.ok()) {
      problems.emplace_back(runtime.status().message());
    } else {
      const std::string name = runtime->name();
      runtimes.emplace(name, *std::move(runtime));
    }
  }
  if (error || (runtimes.empty() && problems.empty())) {
    problems.push_back(absl::StrCat("no runtimes in ", directory));
  }
  if (!problems.empty()) {
    return absl::FailedPreconditionError(absl::StrJoin(problems, "; "));
  }
  return RuntimeCatalog(std::move(runtimes));
}

const Runtime* RuntimeCatalog::Find(absl::string_view name) const {
  const auto it = runtimes_.find(std::string(name));
  return it == runtimes_.end() ? nullptr : &it->second;
}

std::vector<std::string> RuntimeCatalog::names() const {
  std::vector<std::string> names;
  for (const auto& [name, runtime] : runtimes_) names.push_back(name);
  return names;
}

}  // namespace so
