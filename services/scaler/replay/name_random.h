#pragma once

#include <cstdint>
#include <random>

#include "absl/strings/string_view.h"

namespace so {

// Random numbers that belong to a name: the same in every run with that seed,
// whatever other names there are, and unlike those of another seed.
std::mt19937_64 RandomOf(absl::string_view name, uint64_t seed);

}  // namespace so
