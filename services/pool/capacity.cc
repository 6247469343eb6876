#include "services/pool/capacity.h"

#include <algorithm>
#include <tuple>
#include <utility>

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
    std::vector<Evictable> candidates) {
  std::sort(candidates.begin(), candidates.end(),
            [](const Evictable& a, const Evictable& b) {
              return std::tie(b.idle, a.id) < std::tie(a.idle, b.id);
            });
  std::vector<std::string> chosen;
  for (Evictable& candidate : candidates) {
    if (Fits(used, limit, memory)) break;
    --used.instances;
    used.memory -= candidate.memory;
    chosen.push_back(std::move(candidate.id));
  }
  if (!Fits(used, limit, memory)) return std::nullopt;
  return chosen;
}

}  // namespace so
