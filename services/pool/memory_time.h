#pragma once

#include "absl/time/time.h"
#include "services/pool/instance_state.h"

namespace so {

// The memory that instances take, times how long they were free and how long
// they were running something. Exact; not thread-safe.
class MemoryTime {
 public:
  // An instance that takes `memory` MB of the node was in `state` for `time`.
  void Add(InstanceState state, int memory, absl::Duration time) {
    if (state == serverless::pool::v1::INSTANCE_STATE_WARM) {
      idle_ += memory * time;
    } else if (state == serverless::pool::v1::INSTANCE_STATE_BUSY) {
      busy_ += memory * time;
    }
  }

  double idle_gb_seconds() const { return GbSeconds(idle_); }
  double busy_gb_seconds() const { return GbSeconds(busy_); }

 private:
  static double GbSeconds(absl::Duration megabytes) {
    return absl::ToDoubleSeconds(megabytes) / 1024;
  }

  // Times MB.
  absl::Duration idle_;
  absl::Duration busy_;
};

}  // namespace so
