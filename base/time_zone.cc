#include "base/time_zone.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"

namespace so {
namespace {

constexpr size_t kLongestName = 64;

bool IsZoneName(absl::string_view name) {
  return name.size() <= kLongestName && absl::ascii_isalpha(name[0]) &&
         name != "localtime" &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '/' || c == '_' || c == '+' ||
                  c == '-';
         });
}

// abseil remembers every name that it was ever asked for; names that nobody has
// must not get so far.
bool IsInDatabase(const std::string& name) {
  const char* configured = std::getenv("TZDIR");
  const std::filesystem::path folder =
      configured != nullptr ? configured : "/usr/share/zoneinfo";
  std::error_code ignored;
  return std::filesystem::is_regular_file(folder / name, ignored);
}

}  // namespace

absl::StatusOr<absl::TimeZone> FindTimeZone(absl::string_view name) {
  if (name.empty() || name == "UTC") return absl::UTCTimeZone();
  absl::TimeZone zone;
  if (!IsZoneName(name) || !IsInDatabase(std::string(name)) ||
      !absl::LoadTimeZone(std::string(name), &zone)) {
    return absl::InvalidArgumentError(
        "must be a time zone of the tz database, as in Europe/Berlin");
  }
  return zone;
}

}  // namespace so
