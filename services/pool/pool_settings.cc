#include "services/pool/pool_settings.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/config.h"
#include "base/ids.h"
#include "services/pool/process_memory.h"

namespace so {

InstancePool::Options PoolOptions(
    const serverless::config::v1::PoolConfig& config) {
  const int processors =
      std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  return {
      .pool_id = absl::StrCat("pool-", RandomToken(6)),
      .capacity = {.instances = config.max_instances(),
                   .memory = config.memory_budget() > 0
                                 ? config.memory_budget()
                                 : UsableMemory() / 4 * 3},
      .max_concurrent_starts = config.max_concurrent_starts() > 0
                                   ? config.max_concurrent_starts()
                                   : 4 * processors,
      .idle_timeout = ToAbsl(config.idle_timeout()),
      .max_age = ToAbsl(config.max_age()),
      .cleanup_interval = ToAbsl(config.cleanup_interval()),
  };
}

absl::Status CheckReachable(const std::string& path, int uid) {
  if (geteuid() != 0) return absl::OkStatus();
  std::error_code error;
  std::filesystem::path folder = std::filesystem::absolute(path, error);
  for (; folder.has_relative_path(); folder = folder.parent_path()) {
    struct stat info;
    if (stat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) continue;
    if ((info.st_mode & S_IXOTH) == 0) {
      return absl::FailedPreconditionError(
          absl::StrCat(path, " cannot be reached by instances (user ", uid,
                       "): ", folder.string(), " lets no others through"));
    }
  }
  return absl::OkStatus();
}

}  // namespace so
