#include "services/pool/pool_settings.h"

#include <algorithm>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/config.h"
#include "base/ids.h"
#include "services/pool/usable_memory.h"

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

ParkedPool::Options ParkingOptions(
    const serverless::config::v1::PoolConfig& config) {
  return {.min = config.parked_min(),
          .max = std::max(config.parked_min(), config.parked_max())};
}

}  // namespace so
