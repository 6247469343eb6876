#include "services/pool/capacity.h"

#include <algorithm>

namespace so {
namespace {

// As much memory as AWS Lambda gives with one processor.
constexpr int kMemoryPerProcessor = 1769;

}  // namespace

int CpuPercent(int memory) {
  return std::max(100, memory * 100 / kMemoryPerProcessor);
}

bool Fits(const Capacity& used, const Capacity& limit, int memory) {
  return used.instances + 1 <= limit.instances &&
         used.memory + memory <= limit.memory;
}

std::optional<std::vector<std::string>> ChooseEvictions(
    Capacity used, const Capacity& limit, int memory,
    const std::vector<Evictable>& candidates) {
  std::vector<const Evictable*> chosen;
  for (const Evictable& candidate : candidates) {
    if (Fits(used, limit, memory)) break;
    --used.instances;
    used.memory -= candidate.memory;
    chosen.push_back(&candidate);
  }
  if (!Fits(used, limit, memory)) return std::nullopt;
  // A large one may have made those before it unnecessary: the later ones are
  // worth more.
  std::vector<std::string> ids;
  for (auto it = chosen.rbegin(); it != chosen.rend(); ++it) {
    Capacity without = used;
    ++without.instances;
    without.memory += (*it)->memory;
    if (Fits(without, limit, memory)) {
      used = without;
    } else {
      ids.push_back((*it)->id);
    }
  }
  std::reverse(ids.begin(), ids.end());
  return ids;
}

}  // namespace so
