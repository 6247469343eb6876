#include "sandbox/launcher/runtime_programs.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "google/protobuf/text_format.h"
#include "sandbox/protocol/messages.h"
#include "serverless/config/v1/runtime.pb.h"

namespace so {
namespace {

namespace fs = std::filesystem;
namespace pb = serverless::config::v1;

constexpr char kRuntimeDir[] = "/var/runtime";
constexpr char kProgramsDir[] = "/opt/so";

std::string ReadFile(const fs::path& path) {
  std::ifstream stream(path);
  return std::string((std::istreambuf_iterator<char>(stream)),
                     std::istreambuf_iterator<char>());
}

std::string ProblemOf(const pb::RuntimeDescriptor& descriptor) {
  if (descriptor.name().empty() || descriptor.zygote().empty()) {
    return "name and zygote must be set in its descriptor";
  }
  if (descriptor.name().size() >= launcher::kNameBytes) {
    return "its name is too long";
  }
  return "";
}

// Appends the descriptor's own mounts.
std::string AddMounts(const pb::RuntimeDescriptor& descriptor,
                      const RuntimeDirectories& directories,
                      std::vector<isolation::BoundDirectory>& bound) {
  for (const pb::Mount& mount : descriptor.mounts()) {
    const std::string source = absl::StrReplaceAll(
        mount.source(), {{"{toolchains}", directories.toolchains}});
    const fs::path target = fs::path(mount.target()).lexically_normal();
    if (!target.is_absolute() || !target.has_filename() ||
        !fs::path(source).is_absolute()) {
      return absl::StrCat("mount ", mount.source(), " at ", mount.target(),
                          ": both must be absolute paths");
    }
    if (!fs::is_directory(source)) {
      // As the descriptor has it: this is shown to users.
      return absl::StrCat(mount.source(), " is missing");
    }
    bound.push_back({source, target.string()});
  }
  return "";
}

RuntimeProgram LoadOne(const fs::path& folder,
                       const RuntimeDirectories& directories) {
  RuntimeProgram program;
  program.name = folder.filename().string();
  pb::RuntimeDescriptor descriptor;
  if (!google::protobuf::TextFormat::ParseFromString(
          ReadFile(folder / "runtime.textproto"), &descriptor)) {
    program.problem = "its runtime.textproto is not a RuntimeDescriptor";
    return program;
  }
  program.problem = ProblemOf(descriptor);
  if (!program.problem.empty()) return program;
  program.name = descriptor.name();
  program.zygote.command.assign(descriptor.zygote().begin(),
                                descriptor.zygote().end());
  program.zygote.environment = SandboxEnvironment();
  for (const auto& [name, value] : descriptor.environment()) {
    program.zygote.environment.push_back(absl::StrCat(name, "=", value));
  }
  std::sort(program.zygote.environment.begin(),
            program.zygote.environment.end());
  program.zygote.directories = {{folder.string(), kRuntimeDir},
                                {directories.programs, kProgramsDir}};
  program.problem =
      AddMounts(descriptor, directories, program.zygote.directories);
  return program;
}

}  // namespace

std::vector<std::string> SandboxEnvironment() {
  return {absl::StrCat("PATH=", isolation::kProgramPath), "LANG=C.UTF-8",
          "TZ=:UTC", "HOME=/tmp", "TMPDIR=/tmp"};
}

absl::StatusOr<std::vector<RuntimeProgram>> LoadRuntimePrograms(
    const RuntimeDirectories& directories) {
  std::vector<RuntimeProgram> programs;
  std::error_code error;
  for (const auto& entry :
       fs::directory_iterator(directories.runtimes, error)) {
    if (!fs::exists(entry.path() / "runtime.textproto")) continue;
    programs.push_back(LoadOne(entry.path(), directories));
  }
  if (programs.empty()) {
    return absl::NotFoundError(
        absl::StrCat("no runtimes in ", directories.runtimes));
  }
  std::sort(programs.begin(), programs.end(),
            [](const RuntimeProgram& a, const RuntimeProgram& b) {
              return a.name < b.name;
            });
  return programs;
}

}  // namespace so
