#include "services/scaler/target_split.h"

#include <algorithm>
#include <numeric>

namespace so {
namespace {

// The pool that `better` prefers, among those that answer; -1 when none does.
template <typename Better>
int Pick(const std::vector<int>& shares, const std::vector<int>& current,
         Better better) {
  int picked = -1;
  for (int i = 0; i < static_cast<int>(shares.size()); ++i) {
    if (current[i] < 0) continue;
    if (picked < 0 || better(shares[i], shares[picked])) picked = i;
  }
  return picked;
}

}  // namespace

std::vector<int> SplitTarget(int desired, const std::vector<int>& current) {
  std::vector<int> shares(current.size());
  std::transform(current.begin(), current.end(), shares.begin(),
                 [](int count) { return std::max(count, 0); });
  int missing = desired - std::accumulate(shares.begin(), shares.end(), 0);
  for (; missing > 0; --missing) {
    const int fewest = Pick(shares, current, std::less<int>());
    if (fewest < 0) return shares;
    ++shares[fewest];
  }
  for (; missing < 0; ++missing) {
    --shares[Pick(shares, current, std::greater<int>())];
  }
  return shares;
}

}  // namespace so
