#include "services/scaler/policy/season.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/time/civil_time.h"

namespace so {
namespace {

constexpr int64_t kNoSlot = std::numeric_limits<int64_t>::min() / 2;
constexpr absl::Duration kSlot = absl::Minutes(Season::kSlotMinutes);
// So much of a slot must have been watched to say that nothing came.
constexpr double kCovered = 0.9;
// What each step of the estimate is drawn by, in times seen.
constexpr double kPriorOfKind = 2;
constexpr double kPriorOfSlot = 2;
// 1970-01-01 was a Thursday.
constexpr int kFirstWeekday = 3;
constexpr int kWorkingDays = 5;
// A last slot that is so far ahead is of a clock that was wrong.
constexpr int64_t kAhead = 2 * Season::kSlotsOfDay;
// Weights are sums of rounded numbers.
constexpr double kSlack = 1e-6;

const absl::CivilMinute kEpoch(1970, 1, 1, 0, 0);

absl::CivilSecond BeginOf(int64_t slot) {
  return absl::CivilSecond(kEpoch + slot * Season::kSlotMinutes);
}

int64_t FloorDivide(int64_t a, int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

bool InRange(double value, double most) {
  return std::isfinite(value) && value >= 0 && value <= most;
}

}  // namespace

Season::Season(const Options& options)
    : options_{.zone = options.zone,
               .retention = std::clamp(options.retention, 0.01, 0.99),
               .price = std::max(options.price, 0.0)},
      called_(kSlots),
      seen_(kSlots),
      last_slot_(kNoSlot),
      open_(kNoSlot),
      called_slot_(kNoSlot) {}

void Season::Observe(bool called, absl::Time now) {
  const int64_t slot = SlotAt(now);
  const absl::Duration interval = now - last_reading_;
  if (interval < -kLongestInterval || interval > kLongestInterval) {
    // The first reading, one after a hole, or the clock was put back.
    Close();
    Open(slot, absl::ZeroDuration());
    last_reading_ = now;
  } else if (interval > absl::ZeroDuration()) {
    if (slot == open_) {
      covered_ += interval;
    } else {
      const absl::Duration since = Since(slot, now, interval);
      covered_ += interval - since;
      Close();
      Open(slot, since);
    }
    last_reading_ = now;
  }
  if (!called) return;
  open_called_ = true;
  called_slot_ = open_;
}

void Season::NoteCall(absl::Time at) {
  if (at == absl::InfinitePast() || at == absl::InfiniteFuture()) return;
  called_slot_ = std::max(called_slot_, SlotAt(at));
}

double Season::Probability(absl::Time at) const {
  return ProbabilityOf(IndexOf(SlotAt(at)));
}

std::optional<Season::Slot> Season::NextExpected(const FunctionProfile& profile,
                                                 absl::Time now,
                                                 absl::Duration horizon) const {
  const int64_t first = SlotAt(now);
  for (int64_t slot = first; slot <= first + kSlots; ++slot) {
    const absl::TimeZone::TimeInfo info = options_.zone.At(BeginOf(slot));
    if (info.pre > now + horizon) break;
    if (info.kind == absl::TimeZone::TimeInfo::SKIPPED) continue;
    if (slot == called_slot_) continue;
    const double probability = ProbabilityOf(IndexOf(slot));
    if (!Pays(probability, profile)) continue;
    return Slot{
        .begin = info.pre, .end = info.pre + kSlot, .probability = probability};
  }
  return std::nullopt;
}

bool Season::Restore(const State& state) {
  const double most = 1 / (1 - options_.retention) + kSlack;
  if (state.called.size() != kSlots || state.seen.size() != kSlots) {
    return false;
  }
  double total_seen = 0;
  for (int i = 0; i < kSlots; ++i) {
    if (!InRange(state.seen[i], most) ||
        !InRange(state.called[i], state.seen[i] + kSlack)) {
      return false;
    }
    total_seen += state.seen[i];
  }
  called_ = state.called;
  seen_ = state.seen;
  total_seen_ = total_seen;
  last_slot_ = std::max(state.last_slot, kNoSlot);
  open_ = kNoSlot;
  last_reading_ = absl::InfinitePast();
  return true;
}

int64_t Season::SlotAt(absl::Time time) const {
  const absl::CivilMinute local = absl::ToCivilMinute(time, options_.zone);
  return FloorDivide(local - kEpoch, kSlotMinutes);
}

int Season::IndexOf(int64_t slot) {
  const int64_t shifted = slot + kFirstWeekday * kSlotsOfDay;
  return static_cast<int>(shifted - FloorDivide(shifted, kSlots) * kSlots);
}

// Where the clocks are put back, the slot began at the moment of the change or
// later; it is not counted a second time, so that nothing will do.
absl::Duration Season::Since(int64_t slot, absl::Time now,
                             absl::Duration interval) const {
  if (slot < open_) return absl::ZeroDuration();
  return std::clamp(now - absl::FromCivil(BeginOf(slot), options_.zone),
                    absl::ZeroDuration(), interval);
}

void Season::Open(int64_t slot, absl::Duration covered) {
  open_ = slot;
  covered_ = covered;
  open_called_ = false;
  if (last_slot_ > slot + kAhead) last_slot_ = slot - 1;
}

// Slots of an hour that is repeated are not later than the last one, and count
// only once.
void Season::Close() {
  if (open_ == kNoSlot || open_ <= last_slot_) return;
  if (open_called_ || covered_ >= kCovered * kSlot) Count(open_, open_called_);
  last_slot_ = open_;
}

void Season::Count(int64_t slot, bool called) {
  const int i = IndexOf(slot);
  const double seen_before = seen_[i];
  called_[i] = called_[i] * options_.retention + (called ? 1 : 0);
  seen_[i] = seen_before * options_.retention + 1;
  total_seen_ = std::max(total_seen_ + seen_[i] - seen_before, 0.0);
}

double Season::ProbabilityOf(int index) const {
  const int day = index / kSlotsOfDay;
  const int time = index % kSlotsOfDay;
  const int first = day < kWorkingDays ? 0 : kWorkingDays;
  const int last = day < kWorkingDays ? kWorkingDays : 7;
  double called = 0;
  double seen = 0;
  for (int d = first; d < last; ++d) {
    called += called_[d * kSlotsOfDay + time];
    seen += seen_[d * kSlotsOfDay + time];
  }
  const double kind = called / (seen + kPriorOfKind);
  const double slot =
      (called_[index] + kPriorOfSlot * kind) / (seen_[index] + kPriorOfSlot);
  return std::clamp(slot, 0.0, 1.0);
}

bool Season::Pays(double probability, const FunctionProfile& profile) const {
  const double idle_seconds =
      absl::ToDoubleSeconds(kSlot) * (1 - probability / 2);
  return probability * absl::ToDoubleMilliseconds(profile.cold_start) >
         options_.price * profile.memory_gb * idle_seconds;
}

}  // namespace so
