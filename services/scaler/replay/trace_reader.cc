#include "services/scaler/replay/trace_reader.h"

#include <cmath>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"

namespace so {
namespace {

// More calls than any function can have in a minute, and than a replay of
// minutes can follow.
constexpr uint32_t kMaxCallsPerMinute = 10'000'000;
constexpr uint64_t kMaxCalls = 1'000'000'000;
constexpr double kMaxDurationMs = 24 * 3600e3;
constexpr double kMaxMemoryMb = 1 << 20;

// Values of one column by function, and by app where there is no function.
struct Measures {
  absl::flat_hash_map<std::string, double> by_function;
  absl::flat_hash_map<std::string, double> by_app;

  std::optional<double> Of(absl::string_view function,
                           absl::string_view app) const {
    if (const auto it = by_function.find(function); it != by_function.end()) {
      return it->second;
    }
    if (const auto it = by_app.find(app); it != by_app.end()) {
      return it->second;
    }
    return std::nullopt;
  }
};

absl::StatusOr<Measures> ReadMeasures(CsvReader& reader,
                                      absl::string_view column,
                                      double maximum) {
  SO_RETURN_IF_ERROR(reader.ReadHead());
  const int value_column = reader.Column(column);
  const int function_column = reader.Column("HashFunction");
  const int app_column = reader.Column("HashApp");
  if (value_column < 0) {
    return reader.Problem(absl::StrCat("no column ", column));
  }
  if (function_column < 0 && app_column < 0) {
    return reader.Problem("no column HashFunction or HashApp");
  }
  Measures measures;
  std::vector<absl::string_view> values;
  while (true) {
    SO_ASSIGN_OR_RETURN(const bool found, reader.Next(values));
    if (!found) return measures;
    double value = 0;
    if (!absl::SimpleAtod(values[value_column], &value) ||
        !std::isfinite(value) || value > maximum) {
      return reader.Problem(
          absl::StrCat(column, " is not a number up to ", maximum));
    }
    // The traces have a few that were not measured.
    if (value <= 0) continue;
    if (function_column >= 0) {
      measures.by_function[values[function_column]] = value;
    } else {
      measures.by_app[values[app_column]] = value;
    }
  }
}

// The columns of the minutes, in their order.
absl::StatusOr<std::vector<int>> MinuteColumns(const CsvReader& reader) {
  std::vector<int> columns;
  int previous = -1;
  for (size_t i = 0; i < reader.head().size(); ++i) {
    int minute = 0;
    if (!absl::SimpleAtoi(reader.head()[i], &minute)) continue;
    if (minute < 0 || (previous >= 0 && minute != previous + 1)) {
      return reader.Problem(
          absl::StrCat("minute ", minute, " does not follow ", previous));
    }
    previous = minute;
    columns.push_back(static_cast<int>(i));
  }
  if (columns.empty()) return reader.Problem("no columns of minutes");
  return columns;
}

class InvocationsReader {
 public:
  InvocationsReader(CsvReader reader, Measures durations, Measures memory,
                    const TraceDefaults& defaults)
      : reader_(std::move(reader)),
        durations_(std::move(durations)),
        memory_(std::move(memory)),
        defaults_(defaults) {}

  absl::StatusOr<Trace> Read() {
    SO_RETURN_IF_ERROR(reader_.ReadHead());
    function_column_ = reader_.Column("HashFunction");
    app_column_ = reader_.Column("HashApp");
    if (function_column_ < 0) {
      return reader_.Problem("no column HashFunction");
    }
    SO_ASSIGN_OR_RETURN(minute_columns_, MinuteColumns(reader_));
    trace_.minutes = static_cast<int>(minute_columns_.size());
    std::vector<absl::string_view> values;
    while (true) {
      SO_ASSIGN_OR_RETURN(const bool found, reader_.Next(values));
      if (!found) return std::move(trace_);
      SO_RETURN_IF_ERROR(AddFunction(values));
    }
  }

 private:
  absl::Status AddFunction(const std::vector<absl::string_view>& values) {
    TraceFunction function;
    function.name = std::string(values[function_column_]);
    if (function.name.empty()) return reader_.Problem("HashFunction is empty");
    const absl::string_view app =
        app_column_ < 0 ? absl::string_view() : values[app_column_];
    const std::optional<double> ms = durations_.Of(function.name, app);
    function.duration =
        ms.has_value() ? absl::Milliseconds(*ms) : defaults_.duration;
    const std::optional<double> mb = memory_.Of(function.name, app);
    function.memory_gb = mb.has_value() ? *mb / 1000 : defaults_.memory_gb;
    trace_.known_durations += ms.has_value() ? 1 : 0;
    trace_.known_memory += mb.has_value() ? 1 : 0;
    for (int minute = 0; minute < trace_.minutes; ++minute) {
      SO_RETURN_IF_ERROR(
          AddMinute(minute, values[minute_columns_[minute]], function));
    }
    trace_.functions.push_back(std::move(function));
    return absl::OkStatus();
  }

  absl::Status AddMinute(int minute, absl::string_view text,
                         TraceFunction& function) {
    uint32_t calls = 0;
    if (!absl::SimpleAtoi(text, &calls) || calls > kMaxCallsPerMinute) {
      return reader_.Problem(
          absl::StrCat("minute ", reader_.head()[minute_columns_[minute]],
                       " is not a number from 0 to ", kMaxCallsPerMinute));
    }
    if (calls == 0) return absl::OkStatus();
    calls_ += calls;
    if (calls_ > kMaxCalls) {
      return reader_.Problem(absl::StrCat("more than ", kMaxCalls, " calls"));
    }
    function.minutes.push_back({minute, calls});
    return absl::OkStatus();
  }

  CsvReader reader_;
  const Measures durations_;
  const Measures memory_;
  const TraceDefaults defaults_;
  int function_column_ = -1;
  int app_column_ = -1;
  std::vector<int> minute_columns_;
  uint64_t calls_ = 0;
  Trace trace_;
};

// `path`, or the same packed or unpacked; empty when neither is there.
std::string Existing(const std::string& path) {
  absl::string_view unpacked = path;
  const std::string other = absl::ConsumeSuffix(&unpacked, ".gz")
                                ? std::string(unpacked)
                                : absl::StrCat(path, ".gz");
  for (const std::string& candidate : {path, other}) {
    std::error_code error;
    if (std::filesystem::is_regular_file(candidate, error)) return candidate;
  }
  return "";
}

absl::StatusOr<std::optional<CsvReader>> Open(const std::string& path) {
  if (path.empty()) return std::nullopt;
  SO_ASSIGN_OR_RETURN(ByteSource source, OpenFile(path));
  return CsvReader(path, std::move(source));
}

}  // namespace

TraceFiles FindTraceFiles(const std::string& invocations) {
  const std::filesystem::path path(invocations);
  const std::string name = path.filename().string();
  const auto beside = [&](absl::string_view azure, absl::string_view plain) {
    const std::string other = absl::StrReplaceAll(
        name, {{"invocations_per_function_md", azure}, {"invocations", plain}});
    return other == name ? "" : Existing((path.parent_path() / other).string());
  };
  return {.invocations = invocations,
          .durations = beside("function_durations_percentiles", "durations"),
          .memory = beside("app_memory_percentiles", "memory")};
}

absl::StatusOr<Trace> ReadTrace(const TraceFiles& files,
                                const TraceDefaults& defaults) {
  SO_ASSIGN_OR_RETURN(ByteSource invocations, OpenFile(files.invocations));
  SO_ASSIGN_OR_RETURN(std::optional<CsvReader> durations,
                      Open(files.durations));
  SO_ASSIGN_OR_RETURN(std::optional<CsvReader> memory, Open(files.memory));
  return ReadTrace(CsvReader(files.invocations, std::move(invocations)),
                   std::move(durations), std::move(memory), defaults);
}

absl::StatusOr<Trace> ReadTrace(CsvReader invocations,
                                std::optional<CsvReader> durations,
                                std::optional<CsvReader> memory,
                                const TraceDefaults& defaults) {
  Measures run_times;
  if (durations.has_value()) {
    SO_ASSIGN_OR_RETURN(run_times,
                        ReadMeasures(*durations, "Average", kMaxDurationMs));
  }
  Measures sizes;
  if (memory.has_value()) {
    SO_ASSIGN_OR_RETURN(
        sizes, ReadMeasures(*memory, "AverageAllocatedMb", kMaxMemoryMb));
  }
  return InvocationsReader(std::move(invocations), std::move(run_times),
                           std::move(sizes), defaults)
      .Read();
}

}  // namespace so
