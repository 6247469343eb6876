#pragma once

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace so {

// The bytes of one version's code.
struct Code {
  // One source file, or a zip or tar.gz.
  std::string content;
  bool is_archive = false;
};

// Where code comes from, by content. Thread-safe.
class CodeSource {
 public:
  using OnCode = absl::AnyInvocable<void(absl::StatusOr<Code>)>;

  // Runs what is still waiting with CANCELLED; no callback runs after the
  // destructor has returned.
  virtual ~CodeSource() = default;

  // Fetches the code whose SHA-256 is `sha256` (lower-case hex; the content is
  // checked against it). `done` runs exactly once, before this returns or on a
  // thread of the source, and must neither block nor destroy the source.
  // NOT_FOUND (no version refers to it), UNAVAILABLE, DEADLINE_EXCEEDED.
  virtual void Fetch(absl::string_view sha256, OnCode done) = 0;
};

}  // namespace so
