#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "services/pool/runtime_catalog.h"
#include "services/pool/sandbox_task.h"
#include "services/registry/client/function_directory.h"

namespace so {

// What is run in sandboxes when a function is registered.

// What the archive is called in the directory that UnpackTask is given.
inline constexpr absl::string_view kArchiveFile = "archive";

// A runtime whose sandboxes can run programs of the platform, or null.
const Runtime* AnyNativeRuntime(const RuntimeCatalog& runtimes);

// Unpacks <packed_dir>/archive into `output_dir`. Exits with 1 and one line of
// output when the archive is refused.
TaskSpec UnpackTask(const Runtime& runtime, const std::string& packed_dir,
                    const std::string& output_dir);

// Precondition: runtime.build() is there.
TaskSpec BuildTask(const Runtime& runtime, absl::string_view handler,
                   const std::string& source_dir,
                   const std::string& output_dir);

// Loads the handler once, as an instance of `function` would.
TaskSpec LoadTask(const Runtime& runtime,
                  const serverless::function::v1::Function& function,
                  const std::string& code_dir);

// Everything besides the source that the result of a build depends on; empty
// without a build.
std::string BuildKey(const Runtime& runtime, absl::string_view handler);

}  // namespace so
