#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace so {

// What the registry refuses, in the words that clients see.

absl::Status NoFunctionError(absl::string_view id_or_name);
absl::Status NoVersionError(absl::string_view name, int version);
// A change came in while another one was being built.
absl::Status ChangedMeanwhileError(absl::string_view name);
absl::Status NameTakenError(absl::string_view name);
// `field` is the trigger's path, `route` "GET /hello".
absl::Status RouteTakenError(absl::string_view field, absl::string_view route,
                             absl::string_view owner);
absl::Status EtagMismatchError(absl::string_view name);
// The disk is full or fails; reads go on.
absl::Status StorageFullError();
// More writes are waiting than the disk can take.
absl::Status OverloadedError();
absl::Status ShuttingDownError();

}  // namespace so
