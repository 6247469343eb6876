#pragma once

#include <random>

namespace so {

// A generator of the calling thread, seeded from the kernel. Not for secrets.
// Not absl::BitGen: its seeding pool is part of Debian's library, which the
// thread sanitizer cannot see into.
inline std::mt19937_64& ThreadRandom() {
  thread_local std::mt19937_64 generator = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device(),
                       device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  return generator;
}

}  // namespace so
