#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace so {

// The time zone of a name that a client gave, as in "Europe/Berlin"; UTC when
// it is empty. InvalidArgument when there is no such zone in the tz database of
// this machine, or when the name could be something else to
// absl::LoadTimeZone: a path, or "localtime", which is another zone elsewhere.
// Thread-safe.
absl::StatusOr<absl::TimeZone> FindTimeZone(absl::string_view name);

}  // namespace so
