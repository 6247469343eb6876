#pragma once

#include <cstddef>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"

namespace so {

// Fills a part of `buffer` and returns its length; 0 at the end.
using ByteSource =
    absl::AnyInvocable<absl::StatusOr<size_t>(char* buffer, size_t size)>;

// The content of a file, unpacked when it is packed by gzip.
absl::StatusOr<ByteSource> OpenFile(const std::string& path);

ByteSource FromString(std::string content);

}  // namespace so
