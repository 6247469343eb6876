#include "services/scaler/replay/name_random.h"

#include <zlib.h>

namespace so {

std::mt19937_64 RandomOf(absl::string_view name, uint64_t seed) {
  const uint64_t hash =
      crc32_z(0, reinterpret_cast<const Bytef*>(name.data()), name.size());
  // The generator's own seeding, unlike a CRC, is not linear: another seed is
  // another draw for each name, not the same one for all of them turned over.
  return std::mt19937_64(seed << 32 ^ hash);
}

}  // namespace so
