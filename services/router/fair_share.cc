#include "services/router/fair_share.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace so {
namespace {

constexpr double kRounding = 1e-6;

double Demand(const Claim& claim) {
  const int instances =
      std::max(claim.wanted, std::min(claim.reserved, claim.instances));
  return static_cast<double>(instances) * claim.unit;
}

double PartOfShare(const Claim& claim, double share) {
  return share > 0 ? claim.held() / share : claim.instances;
}

// Takes instances away in the mind until one of `taker` fits.
class Plan {
 public:
  Plan(const FairShare& rules, const std::vector<Claim>& claims,
       const std::vector<double>& shares, size_t taker)
      : rules_(rules), claims_(claims), shares_(shares), taker_(taker) {}

  // Who has to give first; nothing when there is no way.
  std::optional<size_t> FirstGiver() {
    const Claim& taker = claims_[taker_];
    double free = rules_.capacity;
    for (const Claim& claim : claims_) free -= claim.held();
    // It has been refused, whatever is believed here.
    free = std::clamp(free, 0.0, taker.unit - 1.0);
    std::optional<size_t> first;
    while (free < taker.unit) {
      const std::optional<size_t> giver = NextGiver();
      if (!giver) return std::nullopt;
      if (!first) first = giver;
      --claims_[*giver].instances;
      free += claims_[*giver].unit;
    }
    return first;
  }

 private:
  double Excess(size_t i) const { return claims_[i].held() - shares_[i]; }

  // The furthest above its share; of equals, who has had instances longest.
  std::optional<size_t> NextGiver() const {
    std::optional<size_t> best;
    for (size_t i = 0; i < claims_.size(); ++i) {
      if (i == taker_ || !MayGive(i)) continue;
      if (!best ||
          std::make_tuple(Excess(i), claims_[i].held_for) >
              std::make_tuple(Excess(*best), claims_[*best].held_for)) {
        best = i;
      }
    }
    return best;
  }

  bool MayGive(size_t i) const {
    const Claim& giver = claims_[i];
    const Claim& taker = claims_[taker_];
    if (giver.instances <= giver.reserved || giver.instances == 0) return false;
    const bool last = giver.instances == 1;
    // Nobody starves, however few there are to be had.
    if (taker.instances == 0 && taker.waited >= rules_.turn) {
      return !last || giver.held_for >= rules_.turn;
    }
    // Only if the taker will be less above its share than the giver is now:
    // otherwise the same instance would go to and fro.
    const double after = Excess(taker_) + taker.unit;
    return !last && Excess(i) > after + kRounding;
  }

  const FairShare& rules_;
  std::vector<Claim> claims_;
  const std::vector<double>& shares_;
  const size_t taker_;
};

}  // namespace

std::vector<double> FairShare::Shares(const std::vector<Claim>& claims) const {
  std::vector<size_t> by_demand(claims.size());
  std::iota(by_demand.begin(), by_demand.end(), 0);
  std::sort(by_demand.begin(), by_demand.end(), [&](size_t a, size_t b) {
    return Demand(claims[a]) < Demand(claims[b]);
  });
  std::vector<double> shares(claims.size());
  double left = capacity;
  for (size_t i = 0; i < by_demand.size(); ++i) {
    const double equal = left / static_cast<double>(by_demand.size() - i);
    const size_t index = by_demand[i];
    shares[index] = std::min(Demand(claims[index]), equal);
    left -= shares[index];
  }
  return shares;
}

std::vector<size_t> FairShare::Order(const std::vector<Claim>& claims) const {
  const std::vector<double> shares = Shares(claims);
  std::vector<size_t> order;
  for (size_t i = 0; i < claims.size(); ++i) {
    if (claims[i].contends) order.push_back(i);
  }
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::make_tuple(PartOfShare(claims[a], shares[a]), claims[b].waited,
                           a) <
           std::make_tuple(PartOfShare(claims[b], shares[b]), claims[a].waited,
                           b);
  });
  return order;
}

std::optional<Transfer> FairShare::Next(
    const std::vector<Claim>& claims) const {
  if (capacity <= 0) return std::nullopt;
  const std::vector<double> shares = Shares(claims);
  for (const size_t taker : Order(claims)) {
    const auto giver = Plan(*this, claims, shares, taker).FirstGiver();
    if (giver) return Transfer{.taker = taker, .giver = *giver};
  }
  return std::nullopt;
}

}  // namespace so
