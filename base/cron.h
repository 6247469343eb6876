#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace so {

// When something happens again and again, as cron says it. Ours, because there
// is no maintained C++ library for it (ADR 18). Five fields:
//
//   minute 0-59, hour 0-23, day of month 1-31, month 1-12 or JAN-DEC,
//   day of week 0-7 or SUN-SAT (0 and 7 are Sunday)
//
// each `*`, a number, a range `a-b`, or a list of those with commas; `/n`
// behind
// `*` or a range takes every n-th of it, and `a/n` those from a on. Names are
// not case-sensitive. A range of days of the week may end on Sunday (FRI-SUN).
// As in Vixie's cron, a day matches when either day of month or day of week
// does, provided that both are restricted, which is to say that neither begins
// with `*`; otherwise both have to. Also @hourly, @daily, @midnight, @weekly,
// @monthly, @yearly, @annually.
//
// Times are local ones of a time zone. Where the clocks are put forward, those
// that are left out fire at the moment of the change, all of them together
// once. Where the clocks are put back, those that come twice fire once, the
// first time; that holds for each minute of "* * * * *" too, so that it pauses
// for the hour that is repeated.
//
// A value; thread-safe.
class CronSchedule {
 public:
  static constexpr size_t kMaxBytes = 256;

  // InvalidArgument says which field is wrong and why: "hour: 24 is not 0 to
  // 23".
  static absl::StatusOr<CronSchedule> Parse(absl::string_view text);

  // The first firing after `after`, never at it. InfiniteFuture when there is
  // none within 5 years ("0 0 30 2 *"), or `after` is infinite.
  absl::Time Next(absl::Time after, absl::TimeZone zone) const;
  // The last firing at or before `at`. InfinitePast when there is none within 5
  // years, or `at` is infinite.
  absl::Time Previous(absl::Time at, absl::TimeZone zone) const;

  // Whether a local minute is one that the fields name.
  bool Matches(absl::CivilMinute minute) const;

  // As it was parsed.
  const std::string& text() const { return text_; }

 private:
  // A set of small numbers.
  using Bits = uint64_t;

  CronSchedule() = default;

  bool DayMatches(absl::CivilDay day) const;
  // The first match at or after `from`, the last at or before it; `limit` when
  // there is none before that one is passed.
  absl::CivilMinute FirstMatch(absl::CivilMinute from,
                               absl::CivilMinute limit) const;
  absl::CivilMinute LastMatch(absl::CivilMinute from,
                              absl::CivilMinute limit) const;

  std::string text_;
  Bits minutes_ = 0;
  Bits hours_ = 0;
  Bits days_ = 0;
  Bits months_ = 0;
  // Of the week, Sunday is 0.
  Bits weekdays_ = 0;
  // Whether one of the two fields of the day is enough.
  bool either_day_ = false;
};

}  // namespace so
