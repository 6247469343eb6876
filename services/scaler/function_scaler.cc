#include "services/scaler/function_scaler.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/time_zone.h"
#include "services/scaler/decision_message.h"
#include "services/scaler/policy_list.h"

namespace so {
namespace {

using serverless::function::v1::Function;
using serverless::scaler::v1::GetWarmingResponse;
using serverless::scaler::v1::LearnedFunction;
using serverless::scaler::v1::LearnedMinutes;
using serverless::scaler::v1::LearnedWarming;

// What a runtime that has not started anything yet is taken to need.
constexpr absl::Duration kUnknownColdStart = absl::Milliseconds(10);
constexpr absl::Duration kHorizon = absl::Hours(24);

// The zone of a function's habits.
absl::TimeZone ZoneOf(const Function& function,
                      const ScalingSettings& settings) {
  const std::string& name = function.scaling().time_zone();
  if (name.empty()) return settings.time_zone;
  // The registry has checked it.
  return FindTimeZone(name).value_or(settings.time_zone);
}

Prediction::Options PredictionOptions(const Function& function,
                                      const ScalingSettings& settings) {
  return {.zone = ZoneOf(function, settings),
          .reading_interval = settings.interval};
}

// Whether the two ask for other policies, or other settings of them.
bool ScalesDifferently(const Function& a, const Function& b) {
  const auto same_triggers = [&] {
    return std::equal(a.triggers().begin(), a.triggers().end(),
                      b.triggers().begin(), b.triggers().end(),
                      [](const auto& x, const auto& y) {
                        return x.SerializeAsString() == y.SerializeAsString();
                      });
  };
  return a.scaling().SerializeAsString() != b.scaling().SerializeAsString() ||
         a.has_idle_timeout() != b.has_idle_timeout() ||
         a.idle_timeout() != b.idle_timeout() || !same_triggers();
}

double ToSeconds(absl::Time time) {
  return absl::ToDoubleSeconds(time - absl::UnixEpoch());
}

void SaveMinutes(const MinuteCounts& counts, double memory_mb,
                 LearnedMinutes& saved) {
  saved.set_first(counts.first());
  double calls = 0;
  for (const int32_t count : counts.calls()) {
    saved.add_calls(count);
    calls += count;
  }
  saved.set_duration_seconds(absl::ToDoubleSeconds(counts.average_run()) *
                             calls);
  saved.set_memory_mb(memory_mb);
}

}  // namespace

FunctionScaler::FunctionScaler(FunctionPtr function,
                               const ScalingSettings& settings)
    : settings_(settings),
      function_(std::move(function)),
      prediction_(std::make_unique<Prediction>(
          *settings.keep_alive, PredictionOptions(*function_, settings))) {
  Configure();
}

void FunctionScaler::SetFunction(FunctionPtr function) {
  if (function == function_) return;
  const FunctionPtr before = std::exchange(function_, std::move(function));
  if (!ScalesDifferently(*before, *function_)) return;
  if (before->scaling().time_zone() != function_->scaling().time_zone()) {
    // Habits are those of a zone; gaps are learned anew with them.
    prediction_ = std::make_unique<Prediction>(
        *settings_.keep_alive, PredictionOptions(*function_, settings_));
  }
  Configure();
}

void FunctionScaler::Configure() {
  policies_.clear();
  for (const std::string& name : PolicyNames(*function_, settings_)) {
    policies_.push_back(
        {.name = name, .policy = MakePolicy(name, *function_, settings_)});
  }
}

FunctionSpec FunctionScaler::Spec(
    std::optional<absl::Duration> cold_start) const {
  FunctionSpec spec;
  spec.min_instances = function_->min_instances();
  spec.max_instances = std::max(function_->max_instances(), 1);
  spec.instance_concurrency = std::max(function_->concurrency(), 1);
  spec.memory_gb = function_->memory() / 1024.0;
  spec.cold_start = cold_start.value_or(kUnknownColdStart);
  return spec;
}

bool FunctionScaler::PredictionIsInForce() const {
  return std::any_of(
      policies_.begin(), policies_.end(),
      [](const PolicyInForce& entry) { return entry.name == "prediction"; });
}

bool FunctionScaler::PredictionDecides() const {
  if (!PredictionIsInForce()) return false;
  switch (settings_.prediction) {
    case PredictionSetting::kOff:
    case PredictionSetting::kShadow:
      return false;
    case PredictionSetting::kOn:
      return true;
    case PredictionSetting::kAuto:
      return verdict_ == PredictionMode::kProven;
  }
  return false;
}

absl::string_view FunctionScaler::PredictionReason() const {
  if (!PredictionIsInForce() ||
      settings_.prediction == PredictionSetting::kOff) {
    return "off";
  }
  if (settings_.prediction == PredictionSetting::kOn) return "forced";
  return ToString(verdict_);
}

ScalingDecision FunctionScaler::Decide(const FunctionLoad& load,
                                       std::optional<absl::Duration> cold_start,
                                       absl::Time now) {
  spec_ = Spec(cold_start);
  worth_saving_ = worth_saving_ || load.calls > 0 || load.current() > 0;
  ledger_.Observe(load, now);
  minutes_.Observe(load, now);
  budget_.Spend(ledger_.latest_idle(), now);
  const Proposal predicted = prediction_->Propose(load, spec_, now);
  const Proposal history = history_.Propose(load, spec_, now);
  const double idle_budget = function_->scaling().idle_budget();
  const bool exhausted = budget_.Exhausted(idle_budget, now);
  shadow_.Observe(load, spec_, predicted, now);
  verdict_ = shadow_.Decide(idle_budget, budget_.Used(now));

  std::vector<Proposal> proposals;
  for (const PolicyInForce& entry : policies_) {
    if (entry.policy != nullptr) {
      proposals.push_back(entry.policy->Propose(load, spec_, now));
    } else if (entry.name == "history") {
      proposals.push_back(history);
    } else if (PredictionDecides()) {
      proposals.push_back(predicted);
    }
  }
  ScalingDecision decision = Compose(
      std::move(proposals), load, spec_, {.budget_exhausted = exhausted},
      previous_.has_value() ? &*previous_ : nullptr, now);
  // The function says itself how long its instances may be idle.
  if (function_->has_idle_timeout()) decision.idle_timeout.reset();
  previous_ = decision;
  return decision;
}

GetWarmingResponse FunctionScaler::Warming(absl::Time now) const {
  const WarmingLedger::Totals& totals = ledger_.totals();
  GetWarmingResponse warming;
  warming.set_function_id(function_->id());
  warming.set_prediction(PredictionDecides() ? "live" : "shadow");
  warming.set_reason(std::string(PredictionReason()));
  warming.set_invocations(totals.invocations);
  warming.set_cold_starts(totals.cold_starts);
  warming.set_busy_gb_seconds(totals.busy);
  warming.set_idle_gb_seconds(totals.idle);
  warming.set_wasted_gb_seconds(totals.wasted);
  const Shadow::Counts& compared = shadow_.counts();
  warming.set_predicted_cold_starts(compared.predicted_cold_starts);
  warming.set_predicted_idle_gb_seconds(compared.predicted_idle_gb_seconds);
  warming.set_fixed_cold_starts(compared.fixed_cold_starts);
  warming.set_fixed_idle_gb_seconds(compared.fixed_idle_gb_seconds);
  warming.set_cold_starts_avoided(compared.fixed_cold_starts -
                                  compared.predicted_cold_starts);
  warming.set_recent_flaps(ledger_.flaps().Recent(now));
  warming.set_flaps(ledger_.flaps().total());
  warming.set_idle_gb_seconds_today(budget_.Used(now));
  warming.set_idle_budget(function_->scaling().idle_budget());
  warming.set_cold_start_p95(absl::ToDoubleMilliseconds(spec_.cold_start));
  Expect(warming, now);
  Suggest(warming);
  return warming;
}

void FunctionScaler::Expect(GetWarmingResponse& warming, absl::Time now) const {
  absl::Time next = absl::InfiniteFuture();
  std::string by;
  for (const PolicyInForce& entry : policies_) {
    if (entry.policy == nullptr) continue;
    const absl::Time known = entry.policy->NextKnown(now);
    if (known < next) {
      next = known;
      by = "schedule";
    }
  }
  if (const auto expected = prediction_->NextExpected(now, kHorizon);
      expected.has_value() && expected->at < next) {
    next = expected->at;
    by = expected->by;
  }
  if (next == absl::InfiniteFuture()) return;
  *warming.mutable_next_expected() = ToTimestamp(next);
  warming.set_next_expected_by(by);
}

void FunctionScaler::Suggest(GetWarmingResponse& warming) const {
  const WarmingLedger::Totals& totals = ledger_.totals();
  if (totals.cold_starts < 10 || totals.invocations < 100) {
    warming.set_suggestion("too few calls yet to say");
    return;
  }
  const double share = totals.cold_starts / totals.invocations;
  if (share < 0.01) {
    warming.set_suggestion(absl::StrFormat(
        "%.2f %% of calls are cold; none need be kept", 100 * share));
    return;
  }
  warming.set_suggested_min_instances(1);
  warming.set_suggestion(absl::StrFormat(
      "%.1f %% of calls are cold; one instance kept at all times costs %.0f "
      "GB-seconds a day",
      100 * share, 86400 * spec_.memory_gb));
}

LearnedFunction FunctionScaler::Save() const {
  LearnedFunction learned;
  learned.set_function_id(function_->id());
  learned.set_function_name(function_->name());
  const FunctionPlanner& planner = prediction_->planner();
  for (int level = 0; level < planner.levels(); ++level) {
    auto& gaps = *learned.add_gaps();
    const GapHistogram& histogram = planner.gaps(level);
    for (int i = 0; i < histogram.bins(); ++i) {
      gaps.add_weights(histogram.weight(i));
    }
    gaps.set_beyond(histogram.beyond());
  }
  const Season::State season = prediction_->season().state();
  learned.mutable_season()->mutable_called()->Assign(season.called.begin(),
                                                     season.called.end());
  learned.mutable_season()->mutable_seen()->Assign(season.seen.begin(),
                                                   season.seen.end());
  learned.mutable_season()->set_last_slot(season.last_slot);
  SaveMinutes(minutes_, function_->memory(), *learned.mutable_minutes());
  const std::vector<double> busiest = history_.Busiest();
  learned.mutable_busiest()->Assign(busiest.begin(), busiest.end());
  SaveWarming(*learned.mutable_warming());
  return learned;
}

void FunctionScaler::SaveWarming(LearnedWarming& saved) const {
  const WarmingLedger::Totals& totals = ledger_.totals();
  saved.set_invocations(totals.invocations);
  saved.set_cold_starts(totals.cold_starts);
  saved.set_busy_gb_seconds(totals.busy);
  saved.set_idle_gb_seconds(totals.idle);
  saved.set_wasted_gb_seconds(totals.wasted);
  saved.set_flaps(ledger_.flaps().total());
  const Shadow::Counts& compared = shadow_.counts();
  saved.set_predicted_cold_starts(compared.predicted_cold_starts);
  saved.set_predicted_idle_gb_seconds(compared.predicted_idle_gb_seconds);
  saved.set_fixed_cold_starts(compared.fixed_cold_starts);
  saved.set_fixed_idle_gb_seconds(compared.fixed_idle_gb_seconds);
  saved.set_needs(compared.needs);
  saved.set_watched_seconds(absl::ToDoubleSeconds(compared.watched));
  const std::vector<double> idle = budget_.ByHour();
  saved.mutable_idle_by_hour()->Assign(idle.begin(), idle.end());
  saved.set_last_hour(budget_.last_hour());
  for (const absl::Time time : prediction_->last_needed()) {
    saved.add_last_needed(ToSeconds(time));
  }
}

void FunctionScaler::Restore(const LearnedFunction& learned, absl::Time now) {
  for (int level = 0; level < learned.gaps_size(); ++level) {
    prediction_->RestoreGaps(level, learned.gaps(level).weights(),
                             learned.gaps(level).beyond());
  }
  prediction_->RestoreSeason(
      {.called = {learned.season().called().begin(),
                  learned.season().called().end()},
       .seen = {learned.season().seen().begin(), learned.season().seen().end()},
       .last_slot = learned.season().last_slot()});
  const LearnedMinutes& minutes = learned.minutes();
  minutes_.Restore(minutes.first(),
                   {minutes.calls().begin(), minutes.calls().end()},
                   absl::Seconds(minutes.duration_seconds()));
  history_.Restore(learned.busiest());
  const LearnedWarming& warming = learned.warming();
  ledger_.Restore({.invocations = warming.invocations(),
                   .cold_starts = warming.cold_starts(),
                   .busy = warming.busy_gb_seconds(),
                   .idle = warming.idle_gb_seconds(),
                   .wasted = warming.wasted_gb_seconds()},
                  warming.flaps());
  budget_.Restore(warming.idle_by_hour(), warming.last_hour());
  std::vector<absl::Time> last_needed;
  for (const double seconds : warming.last_needed()) {
    last_needed.push_back(absl::UnixEpoch() + absl::Seconds(seconds));
  }
  shadow_.Restore(
      {.predicted_cold_starts = warming.predicted_cold_starts(),
       .predicted_idle_gb_seconds = warming.predicted_idle_gb_seconds(),
       .fixed_cold_starts = warming.fixed_cold_starts(),
       .fixed_idle_gb_seconds = warming.fixed_idle_gb_seconds(),
       .needs = warming.needs(),
       .watched = absl::Seconds(warming.watched_seconds())},
      last_needed, now);
  prediction_->RestoreLastNeeded(std::move(last_needed), now);
}

}  // namespace so
