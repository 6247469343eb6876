#include "services/scaler/control_loop.h"

#include <utility>

namespace so {
namespace {

// A target outlives the evaluation that would repeat it by two more.
constexpr int kIntervalsPerTarget = 3;

// Where the pool names no bound.
constexpr int kManyInstances = 1'000'000;

FunctionSpec SpecOf(const FunctionLoad& load) {
  return {.max_instances =
              load.max_instances > 0 ? load.max_instances : kManyInstances};
}

void LogOutcome(const Logger& log, const ControlLoop::Outcome& outcome,
                const absl::Status& status) {
  const ScalingDecision& decision = outcome.decision;
  const FunctionLoad& inputs = decision.load;
  log.Info("scale up", {{"function_id", inputs.function_id},
                        {"function_name", inputs.function_name},
                        {"reason", decision.reason},
                        {"current", decision.current},
                        {"desired", decision.desired},
                        {"queue_depth", inputs.queue_depth},
                        {"warm", inputs.warm},
                        {"busy", inputs.busy},
                        {"warming", inputs.warming},
                        {"average_ms", inputs.average_response},
                        {"error_rate", inputs.error_rate.value_or(0)},
                        {"result", absl::StatusCodeToString(status.code())}});
}

}  // namespace

struct ControlLoop::Round {
  std::vector<Outcome> outcomes;
  // Targets not answered yet. Guarded by the loop's mutex.
  size_t unanswered = 0;
};

ControlLoop::ControlLoop(Options options, Dependencies dependencies)
    : options_(options), dependencies_(dependencies), log_("AUTOSCALER") {}

ControlLoop::~ControlLoop() { Stop(); }

void ControlLoop::Start() {
  MutexLock lock(mu_);
  active_ = true;
  timer_ =
      dependencies_.timers.Schedule(options_.interval, [this] { Evaluate(); });
}

void ControlLoop::Stop() {
  MutexLock lock(mu_);
  stopping_ = true;
  if (dependencies_.timers.Cancel(timer_)) active_ = false;
  while (active_) ended_.Wait(mu_);
}

ControlLoop::Status ControlLoop::GetStatus() const {
  MutexLock lock(mu_);
  return {.evaluations = evaluations_,
          .failed_evaluations = failed_evaluations_,
          .last_evaluation = last_evaluation_,
          .interval = options_.interval,
          .recent = {recent_.begin(), recent_.end()}};
}

void ControlLoop::Evaluate() {
  {
    MutexLock lock(mu_);
    last_start_ = dependencies_.clock.Now();
  }
  dependencies_.source.Read(
      [this](absl::StatusOr<std::vector<FunctionLoad>> loads) {
        OnLoad(std::move(loads));
      });
}

void ControlLoop::OnLoad(absl::StatusOr<std::vector<FunctionLoad>> loads) {
  CountReading(loads.status());
  ApplyAll(loads.ok() ? DecideAll(*std::move(loads)) : std::vector<Outcome>());
}

void ControlLoop::CountReading(const absl::Status& status) {
  bool was_failing = false;
  {
    MutexLock lock(mu_);
    last_evaluation_ = dependencies_.clock.WallNow();
    ++evaluations_;
    if (!status.ok()) ++failed_evaluations_;
    was_failing = std::exchange(failing_, !status.ok());
  }
  if (!status.ok() && !was_failing) {
    log_.Warn(
        "cannot evaluate, retrying",
        {{"problem", status.message()}, {"interval_ms", options_.interval}});
  } else if (status.ok() && was_failing) {
    log_.Info("evaluating again");
  }
}

std::vector<ControlLoop::Outcome> ControlLoop::DecideAll(
    std::vector<FunctionLoad> loads) {
  const absl::Time now = dependencies_.clock.WallNow();
  std::vector<Outcome> outcomes;
  absl::flat_hash_map<std::string, ThresholdScaling> policies;
  MutexLock lock(mu_);
  rejection_rates_.Update(loads);
  for (const FunctionLoad& load : loads) {
    const auto known = policies_.find(load.function_id);
    ThresholdScaling& policy =
        policies
            .emplace(load.function_id, known == policies_.end()
                                           ? ThresholdScaling(options_.policy)
                                           : std::move(known->second))
            .first->second;
    const FunctionSpec spec = SpecOf(load);
    ScalingDecision decision = Compose({policy.Propose(load, spec, now)}, load,
                                       spec, ComposeLimits(), nullptr, now);
    if (decision.action != ScalingAction::kScaleUp) continue;
    outcomes.push_back({.decision = std::move(decision)});
  }
  policies_ = std::move(policies);
  return outcomes;
}

void ControlLoop::ApplyAll(std::vector<Outcome> outcomes) {
  if (outcomes.empty()) {
    Continue();
    return;
  }
  auto round = std::make_shared<Round>();
  round->outcomes = std::move(outcomes);
  const size_t count = round->outcomes.size();
  round->unanswered = count;
  for (size_t i = 0; i < count; ++i) {
    const ScalingDecision& decision = round->outcomes[i].decision;
    dependencies_.sink.SetTarget(decision.load.function_id, decision.desired,
                                 kIntervalsPerTarget * options_.interval,
                                 [this, round, i](const absl::Status& status) {
                                   OnTargetSet(*round, i, status);
                                 });
  }
}

void ControlLoop::OnTargetSet(Round& round, size_t index,
                              const absl::Status& status) {
  Outcome& outcome = round.outcomes[index];
  outcome.applied = status.ok();
  LogOutcome(log_, outcome, status);
  {
    MutexLock lock(mu_);
    if (--round.unanswered > 0) return;
  }
  Remember(round.outcomes);
  Continue();
}

void ControlLoop::Remember(const std::vector<Outcome>& outcomes) {
  MutexLock lock(mu_);
  recent_.insert(recent_.begin(), outcomes.begin(), outcomes.end());
  if (recent_.size() > options_.history) recent_.resize(options_.history);
}

void ControlLoop::Continue() {
  MutexLock lock(mu_);
  if (stopping_) {
    active_ = false;
    ended_.SignalAll();
    return;
  }
  const absl::Time next = last_start_ + options_.interval;
  timer_ = dependencies_.timers.Schedule(next - dependencies_.clock.Now(),
                                         [this] { Evaluate(); });
}

}  // namespace so
