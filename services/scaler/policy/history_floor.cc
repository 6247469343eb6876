#include "services/scaler/policy/history_floor.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"

namespace so {
namespace {

constexpr double kMost = 1'000'000;
// Readings further apart than this say nothing about the time between them.
constexpr absl::Duration kLongestGap = absl::Minutes(1);

constexpr absl::string_view kDays[] = {"Mon", "Tue", "Wed", "Thu",
                                       "Fri", "Sat", "Sun"};

int64_t HourOf(absl::Time time) {
  return absl::ToInt64Hours(
      absl::Floor(time - absl::UnixEpoch(), absl::Hours(1)));
}

// 1970 began on a Thursday.
int HourOfWeek(int64_t hour) {
  constexpr int kHours = HistoryFloor::kHours;
  return static_cast<int>(((hour + 3 * 24) % kHours + kHours) % kHours);
}

double NeededInstances(const FunctionLoad& load, const FunctionSpec& spec) {
  const int at_once = std::max(spec.instance_concurrency, 1);
  const double for_calls =
      std::ceil(static_cast<double>(load.peak_concurrency) / at_once);
  return std::clamp(std::max<double>(load.busy, for_calls), 0.0,
                    static_cast<double>(std::max(spec.max_instances, 0)));
}

}  // namespace

HistoryFloor::HistoryFloor(const Options& options)
    : options_(options), busiest_(kHours) {
  options_.share = std::clamp(options_.share, 0.0, 1.0);
  options_.forget = std::clamp(options_.forget, 0.0, 1.0);
  options_.min_calls = std::max(options_.min_calls, 0.0);
  options_.min_seen = std::clamp(options_.min_seen, 0.0, 1.0);
}

Proposal HistoryFloor::Propose(const FunctionLoad& load,
                               const FunctionSpec& spec, absl::Time now) {
  // What is wanted rests on the weeks before, not on the hour at hand.
  Enter(HourOf(now), now);
  const int hour = HourOfWeek(hour_);
  const double busiest = busiest_[hour];
  const int wanted = static_cast<int>(
      std::min(std::floor(options_.share * busiest + 0.5), kMost));
  peak_ = std::max(peak_, NeededInstances(load, spec));
  calls_ += std::max(load.calls, 0.0);

  Proposal proposal = {.policy = std::string(name()),
                       .wanted = std::min(wanted, spec.max_instances)};
  proposal.formula = absl::StrFormat(
      "%s %02d:00 UTC: %.2f of the busiest %.2f = %d, at most %d; %d",
      kDays[hour / 24], hour % 24, options_.share, busiest, wanted,
      spec.max_instances, proposal.wanted);
  return proposal;
}

std::vector<double> HistoryFloor::Busiest() const {
  std::vector<double> busiest = busiest_;
  if (hour_ >= 0) {
    double& current = busiest[HourOfWeek(hour_)];
    current = std::max(current, Peak());
  }
  return busiest;
}

void HistoryFloor::Restore(absl::Span<const double> busiest) {
  if (busiest.size() != kHours) return;
  for (int i = 0; i < kHours; ++i) {
    const double value = busiest[i];
    busiest_[i] = value >= 0 && value <= kMost ? value : 0;
  }
}

void HistoryFloor::Enter(int64_t hour, absl::Time now) {
  if (hour_ == hour) {
    const absl::Duration gap = now - latest_;
    if (gap <= kLongestGap) seen_ += gap;
  } else {
    if (hour_ >= 0) CloseHour();
    hour_ = hour;
    seen_ = absl::ZeroDuration();
    peak_ = calls_ = 0;
  }
  latest_ = now;
}

void HistoryFloor::CloseHour() {
  double& busiest = busiest_[HourOfWeek(hour_)];
  const double peak = Peak();
  if (peak >= busiest) {
    busiest = peak;
  } else if (absl::FDivDuration(seen_, absl::Hours(1)) >= options_.min_seen) {
    busiest -= options_.forget * (busiest - peak);
  }
}

double HistoryFloor::Peak() const {
  return calls_ >= options_.min_calls ? peak_ : 0;
}

}  // namespace so
