#pragma once

#include <optional>

#include "services/pool/node_memory.h"

namespace so {

// Memory that is as short as the test says.
class FakeNodeMemory final : public NodeMemory {
 public:
  std::optional<MemoryReading> Read() const override { return reading; }

  std::optional<MemoryReading> reading;
};

}  // namespace so
