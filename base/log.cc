#include "base/log.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/time/clock.h"
#include "nlohmann/json.hpp"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace so {
namespace {

bool WantsJson() {
  static const bool json = [] {
    const char* format = std::getenv("LOG_FORMAT");
    return format != nullptr && absl::string_view(format) == "json";
  }();
  return json;
}

// As JSON text, whatever bytes `text` has.
std::string Quote(absl::string_view text) {
  return nlohmann::json(std::string(text))
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool IsPlainWord(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isgraph(c) && c != '"' && c != '=' && c != '\\';
  });
}

std::string TextLine(absl::string_view message,
                     std::initializer_list<LogField> fields) {
  std::string line(message);
  for (const LogField& field : fields) {
    absl::StrAppend(
        &line, " ", field.key, "=",
        IsPlainWord(field.value) ? field.value : Quote(field.value));
  }
  return line;
}

std::string JsonLine(absl::string_view level, absl::string_view component,
                     absl::string_view message,
                     std::initializer_list<LogField> fields) {
  std::string line =
      absl::StrCat("{\"ts\":\"",
                   absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(),
                                    absl::UTCTimeZone()),
                   "\",\"level\":\"", level, "\",\"component\":\"", component,
                   "\",\"msg\":", Quote(message));
  for (const LogField& field : fields) {
    absl::StrAppend(&line, ",", Quote(field.key), ":",
                    field.is_text ? Quote(field.value) : field.value);
  }
  return line + "}";
}

}  // namespace

Logger::Logger(absl::string_view component)
    : component_(component), logger_(spdlog::default_logger()) {}

void Logger::Debug(absl::string_view message, Fields fields) const {
  Write(spdlog::level::debug, message, fields);
}
void Logger::Info(absl::string_view message, Fields fields) const {
  Write(spdlog::level::info, message, fields);
}
void Logger::Warn(absl::string_view message, Fields fields) const {
  Write(spdlog::level::warn, message, fields);
}
void Logger::Error(absl::string_view message, Fields fields) const {
  Write(spdlog::level::err, message, fields);
}

void Logger::Write(spdlog::level::level_enum level, absl::string_view message,
                   Fields fields) const {
  if (!logger_->should_log(level)) return;
  if (WantsJson()) {
    const auto name = spdlog::level::to_string_view(level);
    logger_->log(level, JsonLine(absl::string_view(name.data(), name.size()),
                                 component_, message, fields));
  } else {
    logger_->log(
        level, absl::StrCat("[", component_, "] ", TextLine(message, fields)));
  }
}

void InitLogging(absl::string_view level) {
  auto logger = std::make_shared<spdlog::logger>(
      "", std::make_shared<spdlog::sinks::stdout_sink_mt>());
  logger->set_level(spdlog::level::from_str(std::string(level)));
  logger->flush_on(spdlog::level::debug);
  if (WantsJson()) {
    logger->set_pattern("%v");
  } else {
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v",
                        spdlog::pattern_time_type::utc);
  }
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace so
