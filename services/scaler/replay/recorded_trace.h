#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "services/scaler/replay/trace.h"
#include "services/scaler/replay/trace_reader.h"

namespace so {

// The load that a scaler has recorded: calls per minute of the latest day, of
// each function, from its archive (`data_dir`/scaler.db), which may be in use.
// Reads only. InvalidArgument names the file.
absl::StatusOr<Trace> ReadRecordedTrace(const std::string& path,
                                        const TraceDefaults& defaults);

}  // namespace so
