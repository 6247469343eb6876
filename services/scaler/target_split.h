#pragma once

#include <vector>

namespace so {

// Divides `desired` instances among pools, of which each has `current` now (-1:
// it does not answer, and gets none). What there is stays where it is as far as
// possible; what is missing goes to the pools that have fewest, and what is too
// much is taken from those that have most. Pure; the shares add up to `desired`
// when any pool answers.
std::vector<int> SplitTarget(int desired, const std::vector<int>& current);

}  // namespace so
