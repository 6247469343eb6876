#include "base/cron.h"

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "base/status_macros.h"

namespace so {
namespace {

using absl::CivilDay;
using absl::CivilHour;
using absl::CivilMinute;

constexpr int kYears = 5;
// Beyond this, some thirty thousand years, nothing fires.
constexpr int64_t kMostSeconds = 1'000'000'000'000;

constexpr std::array<absl::string_view, 12> kMonths = {
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN",
    "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::array<absl::string_view, 7> kWeekdays = {
    "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

struct Field {
  absl::string_view name;
  int min = 0;
  int max = 0;
  // What the numbers from `min` on are called; empty when they have no names.
  absl::Span<const absl::string_view> names;
};

constexpr int kDayOfMonth = 2;
constexpr int kDayOfWeek = 4;

const std::array<Field, 5>& Fields() {
  static const std::array<Field, 5> fields = {
      Field{.name = "minute", .min = 0, .max = 59},
      Field{.name = "hour", .min = 0, .max = 23},
      Field{.name = "day of month", .min = 1, .max = 31},
      Field{.name = "month", .min = 1, .max = 12, .names = kMonths},
      Field{.name = "day of week", .min = 0, .max = 7, .names = kWeekdays}};
  return fields;
}

struct Alias {
  absl::string_view name;
  absl::string_view fields;
};

constexpr std::array<Alias, 7> kAliases = {{{"@hourly", "0 * * * *"},
                                            {"@daily", "0 0 * * *"},
                                            {"@midnight", "0 0 * * *"},
                                            {"@weekly", "0 0 * * 0"},
                                            {"@monthly", "0 0 1 * *"},
                                            {"@yearly", "0 0 1 1 *"},
                                            {"@annually", "0 0 1 1 *"}}};

absl::Status Wrong(const Field& field, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(field.name, ": ", why));
}

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", absl::CEscape(text), "\"");
}

// Digits only, few enough for an int.
bool ParseDigits(absl::string_view text, int& number) {
  return !text.empty() && text.size() <= 4 &&
         std::all_of(text.begin(), text.end(), absl::ascii_isdigit) &&
         absl::SimpleAtoi(text, &number);
}

absl::StatusOr<int> ParseValue(const Field& field, absl::string_view text) {
  for (size_t i = 0; i < field.names.size(); ++i) {
    if (absl::EqualsIgnoreCase(text, field.names[i])) {
      return field.min + static_cast<int>(i);
    }
  }
  int number = 0;
  if (!ParseDigits(text, number)) {
    return Wrong(field, absl::StrCat(Quoted(text), " is not a number",
                                     field.names.empty() ? "" : " or name"));
  }
  if (number < field.min || number > field.max) {
    return Wrong(
        field, absl::StrCat(number, " is not ", field.min, " to ", field.max));
  }
  return number;
}

struct Range {
  int first = 0;
  int last = 0;
};

absl::StatusOr<Range> ParseRange(const Field& field, absl::string_view text,
                                 bool stepped) {
  if (text == "*") return Range{field.min, field.max};
  const std::vector<absl::string_view> ends =
      absl::StrSplit(text, absl::MaxSplits('-', 1));
  Range range;
  SO_ASSIGN_OR_RETURN(range.first, ParseValue(field, ends[0]));
  if (ends.size() == 1) {
    range.last = stepped ? field.max : range.first;
    return range;
  }
  SO_ASSIGN_OR_RETURN(range.last, ParseValue(field, ends[1]));
  // Sunday as the end of a week.
  if (field.max == 7 && range.last == 0 && range.first > 0) range.last = 7;
  if (range.first > range.last) {
    return Wrong(field, absl::StrCat("the range ", Quoted(text), " is empty"));
  }
  return range;
}

// One of the parts that commas stand between.
absl::StatusOr<uint64_t> ParsePart(const Field& field, absl::string_view text) {
  const std::vector<absl::string_view> halves =
      absl::StrSplit(text, absl::MaxSplits('/', 1));
  const bool stepped = halves.size() > 1;
  int step = 1;
  if (stepped && (!ParseDigits(halves[1], step) || step < 1)) {
    return Wrong(field, absl::StrCat("the step ", Quoted(halves[1]),
                                     " is not a number above 0"));
  }
  SO_ASSIGN_OR_RETURN(const Range range, ParseRange(field, halves[0], stepped));
  uint64_t bits = 0;
  for (int i = range.first; i <= range.last; i += step) {
    bits |= uint64_t{1} << i;
  }
  return bits;
}

absl::StatusOr<uint64_t> ParseField(const Field& field,
                                    absl::string_view text) {
  uint64_t bits = 0;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    if (part.empty()) return Wrong(field, "a part of the list is empty");
    SO_ASSIGN_OR_RETURN(const uint64_t part_bits, ParsePart(field, part));
    bits |= part_bits;
  }
  return bits;
}

absl::StatusOr<absl::string_view> WithoutAlias(absl::string_view text) {
  if (!absl::StartsWith(text, "@")) return text;
  std::string known;
  for (const Alias& alias : kAliases) {
    if (absl::EqualsIgnoreCase(text, alias.name)) return alias.fields;
    absl::StrAppend(&known, known.empty() ? "" : ", ", alias.name);
  }
  return absl::InvalidArgumentError(
      absl::StrCat(Quoted(text), " is not one of ", known));
}

bool Has(uint64_t bits, int i) { return (bits >> i & 1) != 0; }

// The least member that is `from` or more, the greatest that is `from` or less;
// -1 when there is none.
int AtOrAfter(uint64_t bits, int from) {
  const uint64_t rest = bits >> from;
  return rest == 0 ? -1 : from + std::countr_zero(rest);
}
int AtOrBefore(uint64_t bits, int from) {
  const uint64_t rest = bits << (63 - from);
  return rest == 0 ? -1 : from - std::countl_zero(rest);
}

// When a local minute fires.
absl::Time FiresAt(CivilMinute minute, absl::TimeZone zone) {
  const absl::TimeZone::TimeInfo info = zone.At(absl::CivilSecond(minute));
  return info.kind == absl::TimeZone::TimeInfo::SKIPPED ? info.trans : info.pre;
}

// The last local minute that fires at or before `at`: that on the clock, except
// where an hour is repeated, all of which was there already.
CivilMinute Reached(absl::Time at, absl::TimeZone zone) {
  const absl::CivilSecond local = zone.At(at).cs;
  const absl::TimeZone::TimeInfo info = zone.At(local);
  if (info.kind == absl::TimeZone::TimeInfo::REPEATED && at >= info.trans) {
    return CivilMinute(zone.At(info.trans - absl::Seconds(1)).cs);
  }
  return CivilMinute(local);
}

bool InRange(absl::Time time) {
  return time > absl::FromUnixSeconds(-kMostSeconds) &&
         time < absl::FromUnixSeconds(kMostSeconds);
}

CivilMinute YearsFrom(CivilMinute minute, int years) {
  return CivilMinute(minute.year() + years, minute.month(), minute.day(),
                     minute.hour(), minute.minute());
}

}  // namespace

absl::StatusOr<CronSchedule> CronSchedule::Parse(absl::string_view text) {
  if (text.size() > kMaxBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("must be at most ", kMaxBytes, " bytes"));
  }
  SO_ASSIGN_OR_RETURN(const absl::string_view plain,
                      WithoutAlias(absl::StripAsciiWhitespace(text)));
  const std::vector<absl::string_view> parts =
      absl::StrSplit(plain, absl::ByAnyChar(" \t"), absl::SkipEmpty());
  const auto& fields = Fields();
  if (parts.size() != fields.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("must have 5 fields (minute, hour, day of month, month, "
                     "day of week), has ",
                     parts.size()));
  }
  std::array<Bits, 5> bits;
  for (size_t i = 0; i < fields.size(); ++i) {
    SO_ASSIGN_OR_RETURN(bits[i], ParseField(fields[i], parts[i]));
  }
  CronSchedule schedule;
  schedule.text_ = std::string(text);
  schedule.minutes_ = bits[0];
  schedule.hours_ = bits[1];
  schedule.days_ = bits[kDayOfMonth];
  schedule.months_ = bits[3];
  schedule.weekdays_ = (bits[kDayOfWeek] | bits[kDayOfWeek] >> 7) & 0x7f;
  schedule.either_day_ =
      parts[kDayOfMonth].front() != '*' && parts[kDayOfWeek].front() != '*';
  return schedule;
}

absl::Time CronSchedule::Next(absl::Time after, absl::TimeZone zone) const {
  if (!InRange(after)) return absl::InfiniteFuture();
  CivilMinute from = Reached(after, zone) + 1;
  const CivilMinute limit = YearsFrom(from, kYears);
  while (true) {
    const CivilMinute match = FirstMatch(from, limit);
    if (match >= limit) return absl::InfiniteFuture();
    const absl::Time fires = FiresAt(match, zone);
    // Only where clocks change within a minute, as they did long ago, is it
    // not.
    if (fires > after) return fires;
    from = match + 1;
  }
}

absl::Time CronSchedule::Previous(absl::Time at, absl::TimeZone zone) const {
  if (!InRange(at)) return absl::InfinitePast();
  CivilMinute from = Reached(at, zone);
  const CivilMinute limit = YearsFrom(from, -kYears);
  while (true) {
    const CivilMinute match = LastMatch(from, limit);
    if (match <= limit) return absl::InfinitePast();
    const absl::Time fires = FiresAt(match, zone);
    if (fires <= at) return fires;
    from = match - 1;
  }
}

bool CronSchedule::Matches(CivilMinute minute) const {
  return Has(minutes_, minute.minute()) && Has(hours_, minute.hour()) &&
         Has(months_, minute.month()) && DayMatches(CivilDay(minute));
}

bool CronSchedule::DayMatches(CivilDay day) const {
  const bool of_month = Has(days_, day.day());
  // absl counts from Monday.
  const int weekday = (static_cast<int>(absl::GetWeekday(day)) + 1) % 7;
  const bool of_week = Has(weekdays_, weekday);
  return either_day_ ? of_month || of_week : of_month && of_week;
}

CivilMinute CronSchedule::FirstMatch(CivilMinute from,
                                     CivilMinute limit) const {
  CivilMinute t = from;
  while (t < limit) {
    const int month = AtOrAfter(months_, t.month());
    if (month < 0) {
      t = CivilMinute(t.year() + 1, 1, 1);
      continue;
    }
    if (month != t.month()) t = CivilMinute(t.year(), month, 1);
    if (!DayMatches(CivilDay(t))) {
      t = CivilMinute(CivilDay(t) + 1);
      continue;
    }
    const int hour = AtOrAfter(hours_, t.hour());
    if (hour < 0) {
      t = CivilMinute(CivilDay(t) + 1);
      continue;
    }
    if (hour != t.hour()) t = CivilMinute(t.year(), t.month(), t.day(), hour);
    const int minute = AtOrAfter(minutes_, t.minute());
    if (minute < 0) {
      t = CivilMinute(CivilHour(t) + 1);
      continue;
    }
    return t + (minute - t.minute());
  }
  return limit;
}

CivilMinute CronSchedule::LastMatch(CivilMinute from, CivilMinute limit) const {
  CivilMinute t = from;
  while (t > limit) {
    const int month = AtOrBefore(months_, t.month());
    if (month < 0) {
      t = CivilMinute(t.year(), 1, 1) - 1;
      continue;
    }
    if (month != t.month()) t = CivilMinute(t.year(), month + 1, 1) - 1;
    if (!DayMatches(CivilDay(t))) {
      t = CivilMinute(CivilDay(t)) - 1;
      continue;
    }
    const int hour = AtOrBefore(hours_, t.hour());
    if (hour < 0) {
      t = CivilMinute(CivilDay(t)) - 1;
      continue;
    }
    if (hour != t.hour()) {
      t = CivilMinute(t.year(), t.month(), t.day(), hour, 59);
    }
    const int minute = AtOrBefore(minutes_, t.minute());
    if (minute < 0) {
      t = CivilMinute(CivilHour(t)) - 1;
      continue;
    }
    return t - (t.minute() - minute);
  }
  return limit;
}

}  // namespace so
