#pragma once

#include <initializer_list>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "spdlog/logger.h"

namespace so {

// One key=value of a log line.
struct LogField {
  LogField(absl::string_view k, absl::string_view v)
      : key(k), value(v), is_text(true) {}
  LogField(absl::string_view k, const char* v)
      : LogField(k, absl::string_view(v)) {}
  LogField(absl::string_view k, const std::string& v)
      : LogField(k, absl::string_view(v)) {}
  LogField(absl::string_view k, absl::Duration v)
      : key(k),
        value(absl::StrCat(absl::ToDoubleMilliseconds(v))),
        is_text(false) {}
  LogField(absl::string_view k, bool v)
      : key(k), value(v ? "true" : "false"), is_text(false) {}
  // Any number.
  template <typename Number>
  LogField(absl::string_view k, Number v)
      : key(k), value(absl::StrCat(v)), is_text(false) {}

  std::string key;
  std::string value;
  bool is_text;
};

// Writes one line per event to standard output:
//   2026-01-01T12:00:00.000Z info [POOL] instance warm instance_id=inst-1
//   ms=3.2
// or, with LOG_FORMAT=json in the environment of the process:
//   {"ts":"…","level":"info","component":"POOL","msg":"instance warm",…}
//
//   Logger log("POOL");
//   log.Info("instance warm", {{"instance_id", id}, {"ms", elapsed}});
//
// Thread-safe. Copies share their level. Never log payloads or environment
// values.
class Logger {
 public:
  using Fields = std::initializer_list<LogField>;

  // `component` is REGISTRY, POOL, OPTIMIZER, ROUTER or AUTOSCALER.
  explicit Logger(absl::string_view component);

  void Debug(absl::string_view message, Fields fields = {}) const;
  void Info(absl::string_view message, Fields fields = {}) const;
  void Warn(absl::string_view message, Fields fields = {}) const;
  void Error(absl::string_view message, Fields fields = {}) const;

 private:
  void Write(spdlog::level::level_enum level, absl::string_view message,
             Fields fields) const;

  std::string component_;
  std::shared_ptr<spdlog::logger> logger_;
};

// Sets up standard output for all loggers of the process: level is "debug",
// "info", "warn" or "error". Called once, at the start of main.
void InitLogging(absl::string_view level);

}  // namespace so
