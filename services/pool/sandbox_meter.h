#pragma once

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/pool/launcher.h"

namespace so {

// What the sandbox behind `handles` uses, read from its cgroups. What cannot be
// read stays as it is in `last`.
SandboxUsage MeasureSandbox(const SandboxHandles& handles, SandboxUsage last);

// The texts behind the descriptors. Negative when they are no such thing.
double ParseMegabytes(absl::string_view text);
absl::Duration ParseCpuTime(absl::string_view text,
                            launcher::Parked::Dialect dialect);
int CountLines(absl::string_view text);

}  // namespace so
