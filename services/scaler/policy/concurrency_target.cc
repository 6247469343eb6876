#include "services/scaler/policy/concurrency_target.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace so {
namespace {

constexpr int kMost = 1'000'000;

// Means of equal samples differ in their last digits; rounding up must not see
// that.
int Ceil(double value) {
  const double rounded = std::ceil(value - 1e-9);
  return static_cast<int>(std::clamp(rounded, 0.0, double{kMost}));
}

class Mean {
 public:
  void Add(double value) {
    sum_ += value;
    ++count_;
  }
  int count() const { return count_; }
  double value() const { return count_ == 0 ? 0 : sum_ / count_; }

 private:
  double sum_ = 0;
  int count_ = 0;
};

// `limited` instead of `value`, noting it when they differ.
int Note(int value, int limited, TargetClamp clamp, TargetDecision& decision) {
  if (limited != value) decision.clamps.push_back(clamp);
  return limited;
}

}  // namespace

absl::string_view ToString(TargetClamp clamp) {
  switch (clamp) {
    case TargetClamp::kStale:
      return "stale";
    case TargetClamp::kHistoryIncomplete:
      return "history-incomplete";
    case TargetClamp::kScaleUpRate:
      return "scale-up-rate";
    case TargetClamp::kScaleDownRate:
      return "scale-down-rate";
    case TargetClamp::kPanic:
      return "panic";
    case TargetClamp::kScaleDownDelay:
      return "scale-down-delay";
    case TargetClamp::kZeroGrace:
      return "zero-grace";
    case TargetClamp::kMinInstances:
      return "min-instances";
    case TargetClamp::kMaxInstances:
      return "max-instances";
  }
  return "unknown";
}

std::string Explain(const TargetDecision& decision) {
  std::string text = absl::StrFormat(
      "%d samples, %d ready: ceil(%.2f / %.2f) = %d, short window "
      "ceil(%.2f / %.2f) = %d",
      decision.samples, decision.ready, decision.stable_concurrency,
      decision.per_instance, decision.stable_wanted, decision.panic_concurrency,
      decision.per_instance, decision.panic_wanted);
  if (decision.panicking) absl::StrAppend(&text, ", panic");
  if (!decision.clamps.empty()) {
    absl::StrAppend(&text, "; ",
                    absl::StrJoin(decision.clamps, ", ",
                                  [](std::string* out, TargetClamp clamp) {
                                    absl::StrAppend(out, ToString(clamp));
                                  }));
  }
  absl::StrAppend(&text, "; ", decision.desired);
  return text;
}

ConcurrencyTarget::ConcurrencyTarget(const Options& options)
    : options_(options) {
  Options& o = options_;
  o.stable_window = std::max(o.stable_window, absl::Seconds(1));
  o.panic_window =
      std::clamp(o.panic_window, absl::Milliseconds(100), o.stable_window);
  o.panic_threshold = std::max(o.panic_threshold, 1.1);
  o.utilisation = std::clamp(o.utilisation, 0.01, 1.0);
  o.instance_concurrency = std::max(o.instance_concurrency, 1);
  o.max_scale_up_rate = std::max(o.max_scale_up_rate, 1.1);
  o.max_scale_down_rate = std::max(o.max_scale_down_rate, 1.1);
  o.min_instances = std::clamp(o.min_instances, 0, kMost);
  o.max_instances = std::clamp(o.max_instances, o.min_instances, kMost);
}

TargetDecision ConcurrencyTarget::Desired(
    absl::Span<const ConcurrencySample> samples, int ready,
    const TargetState& state, absl::Time now) const {
  TargetDecision decision = {
      .time = now,
      .ready = std::clamp(ready, 0, kMost),
      .per_instance = options_.utilisation * options_.instance_concurrency,
      .state = state};
  const Coverage coverage = Measure(samples, decision);
  if (now - coverage.until > options_.stale_after) {
    Hold(decision);
    return decision;
  }
  TargetState& next = decision.state;
  next.history_since =
      std::max(std::min(next.history_since, now), coverage.since);
  UpdatePanic(decision);

  int wanted = decision.panicking
                   ? std::max(decision.stable_wanted, decision.panic_wanted)
                   : decision.stable_wanted;
  wanted = LimitRate(wanted, decision);
  const int present = std::max(decision.ready, state.desired);
  if (decision.panicking) {
    wanted =
        Note(wanted, std::max(wanted, present), TargetClamp::kPanic, decision);
  }
  if (now - next.history_since < options_.stable_window) {
    wanted = Note(wanted, std::max(wanted, present),
                  TargetClamp::kHistoryIncomplete, decision);
  }
  wanted = KeepRecent(wanted, decision);
  wanted = KeepLast(wanted, decision);
  next.desired = decision.desired = LimitRange(wanted, decision);
  return decision;
}

ConcurrencyTarget::Coverage ConcurrencyTarget::Measure(
    absl::Span<const ConcurrencySample> samples,
    TargetDecision& decision) const {
  Coverage coverage;
  const absl::Time now = decision.time;
  Mean stable;
  Mean panic;
  for (const ConcurrencySample& sample : samples) {
    if (sample.time > now || now - sample.time >= options_.stable_window) {
      continue;
    }
    // A negative or nonsensical number is no sample.
    if (!(sample.concurrency >= 0 && sample.concurrency <= kMost)) continue;
    stable.Add(sample.concurrency);
    if (now - sample.time < options_.panic_window) {
      panic.Add(sample.concurrency);
    }
    if (coverage.until != absl::InfinitePast() &&
        sample.time - coverage.until > options_.stale_after) {
      coverage.since = sample.time;
    }
    coverage.until = std::max(coverage.until, sample.time);
  }
  decision.samples = stable.count();
  decision.stable_concurrency = stable.value();
  // Without a sample in the short window the long one has to do.
  decision.panic_concurrency =
      panic.count() > 0 ? panic.value() : stable.value();
  decision.stable_wanted = Wanted(decision.stable_concurrency);
  decision.panic_wanted = Wanted(decision.panic_concurrency);
  return coverage;
}

int ConcurrencyTarget::Wanted(double concurrency) const {
  return Ceil(concurrency /
              (options_.utilisation * options_.instance_concurrency));
}

// Whoever does not know how many calls there are, changes nothing, and starts
// to learn anew.
void ConcurrencyTarget::Hold(TargetDecision& decision) const {
  TargetState& next = decision.state;
  next.history_since = absl::InfiniteFuture();
  next.unwanted_since = absl::InfiniteFuture();
  decision.clamps.push_back(TargetClamp::kStale);
  next.desired = decision.desired =
      LimitRange(std::max(decision.ready, next.desired), decision);
}

void ConcurrencyTarget::UpdatePanic(TargetDecision& decision) const {
  TargetState& next = decision.state;
  const int ready = std::max(decision.ready, 1);
  if (decision.panic_wanted >= options_.panic_threshold * ready) {
    next.panic_until = decision.time + options_.stable_window;
  }
  decision.panicking = decision.time < next.panic_until;
}

int ConcurrencyTarget::LimitRate(int wanted, TargetDecision& decision) const {
  const int most =
      Ceil(options_.max_scale_up_rate * std::max(decision.ready, 1));
  wanted =
      Note(wanted, std::min(wanted, most), TargetClamp::kScaleUpRate, decision);
  const int least = static_cast<int>(
      std::floor(decision.ready / options_.max_scale_down_rate + 1e-9));
  return Note(wanted, std::max(wanted, least), TargetClamp::kScaleDownRate,
              decision);
}

int ConcurrencyTarget::KeepRecent(int wanted, TargetDecision& decision) const {
  auto& recent = decision.state.recent;
  while (!recent.empty() &&
         decision.time - recent.front().time >= options_.scale_down_delay) {
    recent.pop_front();
  }
  // Smaller numbers of before will never be the largest again.
  while (!recent.empty() && recent.back().instances <= wanted) {
    recent.pop_back();
  }
  recent.push_back({decision.time, wanted});
  return Note(wanted, recent.front().instances, TargetClamp::kScaleDownDelay,
              decision);
}

int ConcurrencyTarget::KeepLast(int wanted, TargetDecision& decision) const {
  absl::Time& since = decision.state.unwanted_since;
  if (wanted > 0) {
    since = absl::InfiniteFuture();
    return wanted;
  }
  since = std::min(since, decision.time);
  const bool some = decision.ready > 0 || decision.state.desired > 0;
  if (!some || decision.time - since >= options_.scale_to_zero_grace) return 0;
  return Note(0, 1, TargetClamp::kZeroGrace, decision);
}

int ConcurrencyTarget::LimitRange(int wanted, TargetDecision& decision) const {
  wanted = Note(wanted, std::max(wanted, options_.min_instances),
                TargetClamp::kMinInstances, decision);
  return Note(wanted, std::min(wanted, options_.max_instances),
              TargetClamp::kMaxInstances, decision);
}

}  // namespace so
