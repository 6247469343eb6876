#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/scaler/replay/csv_reader.h"
#include "services/scaler/replay/trace.h"

namespace so {

// Where a trace is, in the format of the Azure Functions traces of 2019. All
// files may be packed by gzip.
struct TraceFiles {
  // One function a line: HashFunction (HashOwner, HashApp), then a column for
  // each minute, whose head is a number.
  std::string invocations;
  // HashFunction (HashApp) and Average, in ms. Empty: none.
  std::string durations;
  // HashFunction or HashApp, and AverageAllocatedMb. Empty: none.
  std::string memory;
};

// What is taken for functions that the files beside do not name.
struct TraceDefaults {
  absl::Duration duration = absl::Milliseconds(100);
  double memory_gb = 0.17;
};

// The files that lie beside `invocations` under the usual names:
// X_invocations.csv.gz, X_durations.csv.gz, X_memory.csv.gz; or
// invocations_per_function_md.anon.d01.csv,
// function_durations_percentiles.anon.d01.csv,
// app_memory_percentiles.anon.d01.csv. Each packed or not; empty where there is
// none.
TraceFiles FindTraceFiles(const std::string& invocations);

// InvalidArgument names file and line.
absl::StatusOr<Trace> ReadTrace(const TraceFiles& files,
                                const TraceDefaults& defaults);

// The same from what may not be a file; the readers have not read anything yet.
absl::StatusOr<Trace> ReadTrace(CsvReader invocations,
                                std::optional<CsvReader> durations,
                                std::optional<CsvReader> memory,
                                const TraceDefaults& defaults);

}  // namespace so
