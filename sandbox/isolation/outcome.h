#pragma once

#include <cerrno>

namespace so::isolation {

// Whether a step succeeded, and if not, which one failed and with which errno.
// Steps are string literals.
struct [[nodiscard]] Outcome {
  const char* step = nullptr;
  int error = 0;

  bool ok() const { return step == nullptr; }
};

inline Outcome Failed(const char* step) { return {step, errno}; }

// For a system call's result: negative means failure, told by errno.
inline Outcome Check(long result, const char* step) {
  return result < 0 ? Failed(step) : Outcome{};
}

}  // namespace so::isolation

// Returns from the enclosing function when a step failed.
#define SO_RETURN_IF_FAILED(expression)                           \
  do {                                                            \
    if (const ::so::isolation::Outcome so_outcome = (expression); \
        !so_outcome.ok())                                         \
      return so_outcome;                                          \
  } while (false)
