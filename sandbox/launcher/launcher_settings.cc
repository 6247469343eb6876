#include "sandbox/launcher/launcher_settings.h"

#include <filesystem>

#include "base/config.h"
#include "base/status_macros.h"

namespace so {
namespace {

using serverless::config::v1::LauncherConfig;

std::string Absolute(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

std::string OwnDirectory() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
}

}  // namespace

RuntimeDirectories Directories(const LauncherConfig& config) {
  return {.runtimes = Absolute(config.runtimes_dir()),
          .programs = Absolute(config.programs_dir()),
          .toolchains = Absolute(config.toolchains_dir())};
}

std::string SocketPath(const LauncherConfig& config) {
  return Absolute(config.socket());
}

uid_t ClientUid(const LauncherConfig& config) {
  return static_cast<uid_t>(config.client_uid());
}

SandboxTable::Options TableOptions(const LauncherConfig& config) {
  return {.tmp_bytes = static_cast<uint64_t>(config.tmp_size()) << 20,
          .client_uid = ClientUid(config)};
}

absl::StatusOr<EgressHelper::Options> EgressOptions(
    const LauncherConfig& config) {
  EgressHelper::Options options;
  SO_ASSIGN_OR_RETURN(options.allowed,
                      ParseEgressRanges(config.egress_allow()));
  const std::string& program = config.egress_helper();
  options.program = program.find('/') == std::string::npos
                        ? OwnDirectory() + "/" + program
                        : Absolute(program);
  return options;
}

ZygoteLimits LimitsOfZygotes(const LauncherConfig& config) {
  return {.forks = config.zygote_max_forks(),
          .age = ToAbsl(config.zygote_max_age())};
}

}  // namespace so
