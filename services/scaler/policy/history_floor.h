#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "services/scaler/policy/scaling_policy.h"

namespace so {

// "history": keeps warm, in each hour of the week (UTC), a share of the most
// instances that were needed at once in that hour in the weeks before:
//
//     floor(share * busiest + 1/2)
//
// What is needed are the busy ones, or those for the most calls at one moment.
// The most of an hour that was busier than remembered counts at once; a calmer
// one makes the memory forget a part of the difference. An hour with few calls
// counts as one without any, so that nothing is kept for a function that is
// seldom called. An hour of which a large part was not seen teaches nothing but
// that it was busier.
class HistoryFloor final : public ScalingPolicy {
 public:
  static constexpr int kHours = 168;

  struct Options {
    // 0 to 1.
    double share = 0.5;
    // Of the difference to a calmer week, 0 to 1.
    double forget = 0.3;
    // Fewer calls than this in an hour are few.
    double min_calls = 60;
    // An hour counts in full when at least this part of it was seen, 0 to 1.
    double min_seen = 0.75;
  };

  HistoryFloor() : HistoryFloor(Options()) {}
  // What is out of range is set to the nearest that is not.
  explicit HistoryFloor(const Options& options);

  absl::string_view name() const override { return "history"; }
  Proposal Propose(const FunctionLoad& load, const FunctionSpec& spec,
                   absl::Time now) override;

  // The most instances by hour of the week, Monday's first hour first, that of
  // the current hour included.
  std::vector<double> Busiest() const;
  // What Busiest() returned once. Another number of hours than kHours, and what
  // is no number of instances, is taken for nothing.
  void Restore(absl::Span<const double> busiest);

 private:
  void Enter(int64_t hour, absl::Time now);
  void CloseHour();
  // Of the hour at hand: 0 as long as its calls are few.
  double Peak() const;

  Options options_;
  std::vector<double> busiest_;

  // The hour at hand since 1970, -1 before the first reading; what has been
  // seen of it, and the latest reading.
  int64_t hour_ = -1;
  absl::Duration seen_;
  absl::Time latest_ = absl::InfinitePast();
  double peak_ = 0;
  double calls_ = 0;
};

}  // namespace so
