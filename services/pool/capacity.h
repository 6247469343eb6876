#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

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

// A free instance that could make room.
struct Evictable {
  std::string id;
  int memory = 0;
  absl::Duration idle;
};

// Which of `candidates` to evict, the longest idle first, so that an instance
// with `memory` MB fits. Nothing when evicting all of them would not do.
std::optional<std::vector<std::string>> ChooseEvictions(
    Capacity used, const Capacity& limit, int memory,
    std::vector<Evictable> candidates);

}  // namespace so
