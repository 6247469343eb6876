#include "services/scaler/replay/recorded_trace.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "services/scaler/archive/database.h"

namespace so {
namespace {

using serverless::scaler::v1::LearnedFunction;
using serverless::scaler::v1::LearnedMinutes;

constexpr int64_t kMostMinutes = 1440;

// When the first minute that is on record was, and the one after the last.
struct Range {
  int64_t first = std::numeric_limits<int64_t>::max();
  int64_t end = 0;
};

Range RangeOf(const std::vector<LearnedFunction>& functions) {
  Range range;
  for (const LearnedFunction& function : functions) {
    const LearnedMinutes& minutes = function.minutes();
    if (minutes.calls().empty()) continue;
    range.first = std::min(range.first, minutes.first());
    range.end = std::max(range.end, minutes.first() + minutes.calls_size());
  }
  // Those who stopped long ago are not part of the latest day.
  range.first = std::max(range.first, range.end - kMostMinutes);
  return range;
}

TraceFunction ToFunction(const LearnedFunction& learned, const Range& range,
                         const TraceDefaults& defaults, Trace& trace) {
  const LearnedMinutes& minutes = learned.minutes();
  TraceFunction function = {.name = learned.function_id(),
                            .duration = defaults.duration,
                            .memory_gb = defaults.memory_gb};
  double calls = 0;
  for (int i = 0; i < minutes.calls_size(); ++i) {
    const int64_t minute = minutes.first() + i - range.first;
    const int32_t count = minutes.calls(i);
    calls += std::max(count, 0);
    if (count <= 0 || minute < 0) continue;
    function.minutes.push_back({.minute = static_cast<int>(minute),
                                .calls = static_cast<uint32_t>(count)});
  }
  if (calls > 0 && minutes.duration_seconds() > 0) {
    function.duration = absl::Seconds(minutes.duration_seconds() / calls);
    ++trace.known_durations;
  }
  if (minutes.memory_mb() > 0) {
    function.memory_gb = minutes.memory_mb() / 1024;
    ++trace.known_memory;
  }
  return function;
}

}  // namespace

absl::StatusOr<Trace> ReadRecordedTrace(const std::string& path,
                                        const TraceDefaults& defaults) {
  const auto learned = ArchiveDatabase::ReadLearned(path);
  if (!learned.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", learned.status().message()));
  }
  const Range range = RangeOf(*learned);
  Trace trace;
  if (range.end == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": no calls are on record"));
  }
  trace.minutes = static_cast<int>(range.end - range.first);
  for (const LearnedFunction& function : *learned) {
    trace.functions.push_back(ToFunction(function, range, defaults, trace));
  }
  return trace;
}

}  // namespace so
