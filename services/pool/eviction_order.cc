#include "services/pool/eviction_order.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/string_view.h"

namespace so {
namespace {

constexpr absl::Duration kSoon = absl::Seconds(10);

}  // namespace

double EvictionCost(const Evictable& instance) {
  if (instance.surplus) return 0;
  const double needed = absl::FDivDuration(kSoon, kSoon + instance.idle);
  return needed * absl::ToDoubleSeconds(instance.cold_start) /
         std::max(1, instance.memory);
}

std::vector<Evictable> EvictionOrder(std::vector<Evictable> instances) {
  std::vector<std::pair<double, Evictable>> costs;
  costs.reserve(instances.size());
  for (Evictable& instance : instances) {
    const double cost = EvictionCost(instance);
    costs.emplace_back(cost, std::move(instance));
  }
  std::sort(costs.begin(), costs.end(), [](const auto& a, const auto& b) {
    // The surplus ones first, even before one that costs nothing.
    return std::tuple(!a.second.surplus, a.first, b.second.idle,
                      absl::string_view(a.second.id)) <
           std::tuple(!b.second.surplus, b.first, a.second.idle,
                      absl::string_view(b.second.id));
  });
  std::vector<Evictable> ordered;
  ordered.reserve(costs.size());
  for (auto& [cost, instance] : costs) ordered.push_back(std::move(instance));
  return ordered;
}

}  // namespace so
