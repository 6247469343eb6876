#pragma once

#include <optional>
#include <string>
#include <vector>

#include "services/pool/eviction_order.h"

namespace so {

// Instances and the sum of their memory limits in MB.
struct Capacity {
  int instances = 0;
  int memory = 0;
};

// Whether one more instance with `memory` MB fits within `limit`.
bool Fits(const Capacity& used, const Capacity& limit, int memory);

// The share of processors that an instance with `memory` MB may use, in
// hundredths of one: a whole one, and beyond 1769 MB in proportion to memory.
int CpuPercent(int memory);

// Which of `candidates` to evict, in their order, so that an instance with
// `memory` MB fits; none that could stay without the others' going. Nothing
// when evicting all of them would not do.
std::optional<std::vector<std::string>> ChooseEvictions(
    Capacity used, const Capacity& limit, int memory,
    const std::vector<Evictable>& candidates);

}  // namespace so
