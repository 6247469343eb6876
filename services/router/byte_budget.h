#pragma once

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"

namespace so {

// Bounds the bytes held by all functions together, and by each. Not
// thread-safe.
class ByteBudget {
 public:
  enum class Verdict {
    kFits,
    // The function holds its share.
    kFunctionFull,
    // All functions together hold all there is.
    kFull
  };

  // Precondition: per_function <= total.
  ByteBudget(int64_t total, int64_t per_function)
      : total_(total), per_function_(per_function) {}

  Verdict Check(const std::string& function_id, int64_t bytes) const;
  void Hold(const std::string& function_id, int64_t bytes);
  // Gives back what Hold took.
  void Release(const std::string& function_id, int64_t bytes);

  int64_t held() const { return held_; }
  int64_t per_function() const { return per_function_; }

 private:
  const int64_t total_;
  const int64_t per_function_;
  int64_t held_ = 0;
  // Of functions that hold anything.
  absl::flat_hash_map<std::string, int64_t> by_function_;
};

}  // namespace so
