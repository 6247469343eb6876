#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "base/log.h"
#include "sandbox/cgroups/cgroups.h"
#include "sandbox/launcher/layers.h"
#include "sandbox/launcher/poller.h"
#include "sandbox/launcher/uid_slots.h"

namespace so {

struct SelfCheckOptions {
  // Where so-probe is; absolute.
  std::string programs_dir;
  LayerSet allowed_missing;
};

struct SelfCheckContext {
  Poller& poller;
  Cgroups& cgroups;
  UidSlots& uids;
  const Logger& log;
};

// Makes a real sandbox with a probe in it that tries to get out, use too much
// memory and start too many processes. Returns the layers that are not in
// force and that options.allowed_missing (or, for Landlock, the kernel)
// excuses. Fails when another one is missing: the message names it, the reason,
// and what can be done.
absl::StatusOr<LayerSet> CheckLayers(const SelfCheckOptions& options,
                                     const SelfCheckContext& context);

// isolation::kSkip… bits of the layers that a sandbox must do without.
uint32_t SkipBits(const LayerSet& missing);

}  // namespace so
