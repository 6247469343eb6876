#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "services/scaler/policy/keep_alive_policy.h"

namespace so {

// The habits of a function: at which times of the week it is called. The week
// has 2016 slots of five minutes in local time, from Monday 0:00, so that 9:00
// stays 9:00 when the clocks change. Each remembers how often it came and how
// often the function was called in it; each time weighs `retention` of the next
// one. What nobody watched is neither called nor not called.
//
// How probable a call is in a slot, is estimated in two steps; the second is
// drawn towards the first, and that towards none, for as long as little is
// known:
//
//   kind = called / (seen + 2)               the same time on days of the same
//                                            kind: Monday to Friday, or the
//                                            weekend
//   slot = (called + 2 kind) / (seen + 2)    the same time and weekday
//
// So what happens on every working day is expected on the second one, what
// happens on Mondays becomes a matter of Mondays within a few weeks, and one
// call by chance is soon forgotten. (The larger of two estimates would have
// been too high wherever they differ by chance.) A time at which nothing was
// ever seen is no habit, however often the function is called otherwise: that
// is for the gaps to say.
//
// An instance pays in a slot when what a cold start would cost outweighs the
// memory, as with CostOptimal:
//
//   P * cold_start > price * memory * 300 s * (1 - P / 2)
//
// Pure apart from what it remembers; not thread-safe.
class Season {
 public:
  static constexpr int kSlotMinutes = 5;
  static constexpr int kSlotsOfDay = 24 * 60 / kSlotMinutes;
  static constexpr int kSlots = 7 * kSlotsOfDay;
  // Readings further apart leave a hole: nobody watched in between.
  static constexpr absl::Duration kLongestInterval = absl::Minutes(3);

  struct Options {
    // Of the function, as far as habits go.
    absl::TimeZone zone = absl::UTCTimeZone();
    // In (0, 1). The weights add up to 1 / (1 - retention) weeks at most.
    double retention = 0.9;
    // As CostOptimal::Options::price.
    double price = 0.02;
  };

  // What is remembered between runs. Of one time zone.
  struct State {
    // Of each slot, kSlots of them.
    std::vector<double> called;
    std::vector<double> seen;
    // Slots are counted from 1970-01-01 0:00 local time; this is the last that
    // has been counted. Its meaning is that of the time zone, too.
    int64_t last_slot = 0;
  };

  // One slot in which a call is expected.
  struct Slot {
    absl::Time begin;
    absl::Time end;
    double probability = 0;
  };

  Season() : Season(Options()) {}
  explicit Season(const Options& options);

  // A reading: whether the function was called since the one before. A call
  // counts for the slot of `now`. The same or an earlier `now` than before
  // counts for nothing else.
  void Observe(bool called, absl::Time now);
  // A call at that time is known from elsewhere, as from before a restart: the
  // slot is not expected again. Not counted.
  void NoteCall(absl::Time at);

  // Of a call in the slot that `at` is in, 0 to 1.
  double Probability(absl::Time at) const;

  // The first slot that is not over at `now`, begins before or at `now +
  // horizon` (a week at most), in which an instance pays and the function has
  // not been called yet; what comes after the first call of a slot is for the
  // gaps to say.
  std::optional<Slot> NextExpected(const FunctionProfile& profile,
                                   absl::Time now,
                                   absl::Duration horizon) const;

  // How long was watched in all, what is forgotten aside.
  absl::Duration watched() const {
    return total_seen_ * absl::Minutes(kSlotMinutes);
  }

  State state() const { return {called_, seen_, last_slot_}; }
  // False, and nothing changes, when it is not a state that could have come
  // about. The slot that was open goes uncounted.
  bool Restore(const State& state);

 private:
  int64_t SlotAt(absl::Time time) const;
  static int IndexOf(int64_t slot);
  void Count(int64_t slot, bool called);
  // How much of the latest interval, at most, is in `slot`, a new one.
  absl::Duration Since(int64_t slot, absl::Time now,
                       absl::Duration interval) const;
  void Open(int64_t slot, absl::Duration covered);
  void Close();
  double ProbabilityOf(int index) const;
  bool Pays(double probability, const FunctionProfile& profile) const;

  const Options options_;
  std::vector<double> called_;
  std::vector<double> seen_;
  double total_seen_ = 0;
  int64_t last_slot_;

  // The slot of the latest reading, and how much of it readings cover.
  absl::Time last_reading_ = absl::InfinitePast();
  int64_t open_;
  absl::Duration covered_;
  bool open_called_ = false;
  // That of the latest call.
  int64_t called_slot_;
};

}  // namespace so
