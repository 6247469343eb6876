#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns from the enclosing function when `expression` is not OK.
#define SO_RETURN_IF_ERROR(expression)                          \
  do {                                                          \
    if (absl::Status so_status = (expression); !so_status.ok()) \
      return so_status;                                         \
  } while (false)

#define SO_STATUS_CONCAT_INNER(a, b) a##b
#define SO_STATUS_CONCAT(a, b) SO_STATUS_CONCAT_INNER(a, b)

// SO_ASSIGN_OR_RETURN(const Function f, Load(id)): declares f from a StatusOr,
// or returns its status.
#define SO_ASSIGN_OR_RETURN(declaration, expression)                   \
  SO_ASSIGN_OR_RETURN_INNER(SO_STATUS_CONCAT(so_status_or_, __LINE__), \
                            declaration, expression)

#define SO_ASSIGN_OR_RETURN_INNER(temporary, declaration, expression) \
  auto temporary = (expression);                                      \
  if (!temporary.ok()) return std::move(temporary).status();          \
  declaration = *std::move(temporary)
