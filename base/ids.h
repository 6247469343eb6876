#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "base/clock.h"

namespace so {

// "<prefix>-<unix milliseconds>-<6 characters of 0-9a-z>": sorts by age, is
// unique for practical purposes (2.2e9 values per millisecond), and has a
// constant length. Thread-safe.
std::string MakeId(absl::string_view prefix, const Clock& clock);

// `length` characters of 0-9a-z. Thread-safe; not for secrets.
std::string RandomToken(int length);

// Whether `id` may serve as a request id: ^[A-Za-z0-9._:-]{1,128}$.
bool IsRequestId(absl::string_view id);

}  // namespace so
