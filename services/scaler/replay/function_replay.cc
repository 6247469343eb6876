#include "services/scaler/replay/function_replay.h"

#include <algorithm>
#include <functional>

namespace so {
namespace {

constexpr absl::Duration kFlapWithin = absl::Minutes(1);

absl::Time OnClock(absl::Duration time) { return absl::UnixEpoch() + time; }

}  // namespace

FunctionReplay::FunctionReplay(const TraceFunction& function,
                               absl::Duration length,
                               const KeepAlivePolicy& policy,
                               const ReplayOptions& options)
    : function_(function),
      length_(length),
      options_(options),
      spare_(policy.spare()),
      planner_(policy, {.memory_gb = function.memory_gb,
                        .cold_start = options.cold_start}) {}

FunctionResult FunctionReplay::Run() {
  Arrivals arrivals(function_, options_.spread, options_.seed);
  absl::Duration now;
  while (arrivals.Next(now)) {
    EndCallsUntil(now);
    Arrive(now);
  }
  EndCallsUntil(length_);
  for (size_t i = busy_; i < places_.size(); ++i) Settle(places_[i], length_);
  result_.busy_gb_seconds = static_cast<double>(result_.calls) *
                            absl::ToDoubleSeconds(function_.duration) *
                            function_.memory_gb;
  return result_;
}

void FunctionReplay::EndCallsUntil(absl::Duration now) {
  while (!ends_.empty() && ends_.front() <= now) {
    std::pop_heap(ends_.begin(), ends_.end(), std::greater<>());
    const absl::Duration end = ends_.back();
    ends_.pop_back();
    KeepSpares(end);
    --busy_;
    BecomeIdle(places_[busy_], static_cast<int>(busy_) + 1, end);
  }
  KeepSpares(now);
}

void FunctionReplay::KeepSpares(absl::Duration now) {
  if (spare_.instances == 0 || now < next_look_) return;
  if (busy_ == 0) {
    next_look_ = absl::Ceil(now, spare_.interval);
    return;
  }
  for (; next_look_ <= now; next_look_ += spare_.interval) {
    StartSpares(next_look_);
  }
}

void FunctionReplay::StartSpares(absl::Duration now) {
  const size_t wanted = busy_ + spare_.instances;
  if (places_.size() < wanted) places_.resize(wanted);
  for (size_t i = busy_; i < wanted; ++i) {
    Place& place = places_[i];
    const bool warm = place.used && !place.gone &&
                      place.plan.WarmAfter(now - place.idle_since);
    if (warm) continue;
    if (place.used) Settle(place, now);
    place.used = true;
    place.born = now;
    ++result_.started_ahead;
    BecomeIdle(place, static_cast<int>(i) + 1, now);
  }
}

void FunctionReplay::BecomeIdle(Place& place, int k, absl::Duration now) {
  place.idle_since = now;
  place.gone = false;
  place.plan = planner_.Decide(k, OnClock(now)).plan;
  if (place.plan.max_age != absl::InfiniteDuration()) ApplyAge(place, now);
}

void FunctionReplay::ApplyAge(Place& place, absl::Duration now) {
  WarmPlan& plan = place.plan;
  const absl::Duration left = place.born + plan.max_age - now;
  if (!plan.replace_aged) {
    plan.keep = std::clamp(left, absl::ZeroDuration(), plan.keep);
  } else if (left <= absl::ZeroDuration()) {
    place.born = now;
    ++result_.started_ahead;
    ++result_.evictions;
  }
}

void FunctionReplay::Arrive(absl::Duration now) {
  ++result_.calls;
  const size_t index = busy_++;
  if (places_.size() < busy_) places_.emplace_back();
  Place& place = places_[index];
  const absl::Duration idle = now - place.idle_since;
  const bool warm = place.used && !place.gone && place.plan.WarmAfter(idle);
  if (place.used) {
    planner_.Observe(static_cast<int>(busy_), idle);
    Settle(place, now);
  }
  absl::Duration end = now + function_.duration;
  if (!warm && !TakeFromAbove(index, now)) {
    ++result_.cold;
    if (IsFlap(place, now)) ++result_.flaps;
    place.born = now;
    end += options_.cold_start;
  }
  place.used = true;
  ends_.push_back(end);
  std::push_heap(ends_.begin(), ends_.end(), std::greater<>());
}

bool FunctionReplay::TakeFromAbove(size_t index, absl::Duration now) {
  for (size_t i = index + 1; i < places_.size(); ++i) {
    Place& other = places_[i];
    if (other.gone || !other.plan.WarmAfter(now - other.idle_since)) continue;
    Settle(other, now);
    other.gone = true;
    places_[index].born = other.born;
    return true;
  }
  return false;
}

void FunctionReplay::Settle(const Place& place, absl::Duration now) {
  if (place.gone) return;
  const WarmPlan& plan = place.plan;
  const absl::Duration idle = now - place.idle_since;
  result_.idle_gb_seconds +=
      absl::ToDoubleSeconds(plan.WarmTime(idle)) * function_.memory_gb;
  if (idle > plan.keep && plan.keep < plan.prewarm) ++result_.evictions;
  if (!plan.has_prewarm() || idle < plan.prewarm) return;
  ++result_.started_ahead;
  if (idle > plan.prewarm + plan.prewarm_keep) ++result_.evictions;
}

bool FunctionReplay::IsFlap(const Place& place, absl::Duration now) const {
  if (!place.used || place.gone) return false;
  const WarmPlan& plan = place.plan;
  const absl::Duration idle = now - place.idle_since;
  const absl::Duration gone_at = plan.has_prewarm() && idle >= plan.prewarm
                                     ? plan.prewarm + plan.prewarm_keep
                                     : plan.keep;
  return idle - gone_at < kFlapWithin;
}

}  // namespace so
