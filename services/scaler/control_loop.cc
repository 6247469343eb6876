#include "services/scaler/control_loop.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/scaler/decision_message.h"

namespace so {
namespace {

// A target outlives the evaluation that would repeat it by several more.
constexpr int kIntervalsPerTarget = 5;
constexpr absl::Duration kMinTtl = absl::Seconds(10);

}  // namespace

struct ControlLoop::Round {
  std::vector<Decision> decisions;
  // Which of them are worth remembering: the others repeat a target.
  std::vector<bool> remembered;
  // Targets not answered yet. Guarded by the loop's mutex.
  size_t unanswered = 0;
};

ControlLoop::ControlLoop(Options options, Dependencies dependencies)
    : options_(std::move(options)),
      dependencies_(dependencies),
      log_("AUTOSCALER") {}

ControlLoop::~ControlLoop() { Stop(); }

void ControlLoop::Restore(std::vector<LearnedFunction> learned) {
  MutexLock lock(mu_);
  for (LearnedFunction& function : learned) {
    std::string id = function.function_id();
    learned_[std::move(id)] = std::move(function);
  }
}

void ControlLoop::Start() {
  MutexLock lock(mu_);
  active_ = true;
  last_save_ = dependencies_.clock.Now();
  timer_ = dependencies_.timers.Schedule(options_.scaling.interval,
                                         [this] { Evaluate(); });
}

void ControlLoop::Stop() {
  {
    MutexLock lock(mu_);
    if (stopping_) return;
    stopping_ = true;
    if (dependencies_.timers.Cancel(timer_)) active_ = false;
    while (active_) ended_.Wait(mu_);
  }
  Save(true);
}

ControlLoop::Status ControlLoop::GetStatus() const {
  MutexLock lock(mu_);
  return {.evaluations = evaluations_,
          .failed_evaluations = failed_evaluations_,
          .last_evaluation = last_evaluation_,
          .interval = options_.scaling.interval,
          .policies = options_.scaling.policies,
          .prediction = options_.scaling.prediction,
          .recent = {recent_.begin(), recent_.end()}};
}

absl::StatusOr<serverless::scaler::v1::GetWarmingResponse>
ControlLoop::GetWarming(const std::string& function_id) const {
  MutexLock lock(mu_);
  const auto it = functions_.find(function_id);
  if (it == functions_.end()) {
    return absl::NotFoundError(
        absl::StrCat("function ", function_id, " has not been evaluated yet"));
  }
  return it->second->scaler.Warming(dependencies_.clock.WallNow());
}

void ControlLoop::NoteEnd(const std::string& function_id, absl::Duration idle,
                          double memory_gb) {
  MutexLock lock(mu_);
  const auto it = functions_.find(function_id);
  if (it != functions_.end()) it->second->scaler.NoteEnd(idle, memory_gb);
}

void ControlLoop::Evaluate() {
  {
    MutexLock lock(mu_);
    last_start_ = dependencies_.clock.Now();
  }
  dependencies_.source.Read([this](absl::StatusOr<LoadReading> reading) {
    OnLoad(std::move(reading));
  });
}

void ControlLoop::OnLoad(absl::StatusOr<LoadReading> reading) {
  CountReading(reading.status());
  SaveIfDue();
  ApplyAll(reading.ok() ? DecideAll(*std::move(reading)) : std::vector<News>());
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
    log_.Warn("cannot evaluate, retrying",
              {{"problem", status.message()},
               {"interval_ms", options_.scaling.interval}});
  } else if (status.ok() && was_failing) {
    log_.Info("evaluating again");
  }
}

std::vector<ControlLoop::News> ControlLoop::DecideAll(LoadReading reading) {
  const absl::Time now = dependencies_.clock.WallNow();
  std::vector<News> all;
  MutexLock lock(mu_);
  changes_.Update(reading, dependencies_.clock.Now());
  ForgetDeleted();
  for (const FunctionLoad& load : reading.loads) {
    const FunctionPtr function = dependencies_.directory.Find(load.function_id);
    // Deleted, or so new that the registry's feed has not told yet.
    if (function == nullptr) continue;
    Scaled& scaled = ScaledOf(function);
    const auto cold_start = reading.cold_starts.find(function->runtime());
    ScalingDecision decision =
        scaled.scaler.Decide(load,
                             cold_start == reading.cold_starts.end()
                                 ? std::nullopt
                                 : std::optional(cold_start->second),
                             now);
    auto news = NewsOf(scaled, std::move(decision));
    if (news.has_value()) all.push_back(*std::move(news));
  }
  return all;
}

ControlLoop::Scaled& ControlLoop::ScaledOf(const FunctionPtr& function) {
  std::unique_ptr<Scaled>& scaled = functions_[function->id()];
  if (scaled == nullptr) {
    scaled =
        std::make_unique<Scaled>(FunctionScaler(function, options_.scaling));
    const auto learned = learned_.find(function->id());
    if (learned != learned_.end()) {
      scaled->scaler.Restore(learned->second, dependencies_.clock.WallNow());
      learned_.erase(learned);
    }
  } else {
    scaled->scaler.SetFunction(function);
  }
  return *scaled;
}

void ControlLoop::ForgetDeleted() {
  // A directory that has not heard of all functions says nothing.
  if (!dependencies_.directory.synced()) return;
  const auto forget = [this](const std::string& id) {
    if (dependencies_.directory.Find(id) != nullptr) return false;
    dependencies_.memory.Forget(id);
    return true;
  };
  absl::erase_if(functions_,
                 [&](const auto& entry) { return forget(entry.first); });
  absl::erase_if(learned_,
                 [&](const auto& entry) { return forget(entry.first); });
}

std::optional<ControlLoop::News> ControlLoop::NewsOf(Scaled& scaled,
                                                     ScalingDecision decision) {
  const absl::Time now = dependencies_.clock.Now();
  const bool changed = decision.desired != scaled.told ||
                       decision.idle_timeout != scaled.told_idle_timeout;
  // A pool that was told nothing does the same.
  const bool nothing_to_say =
      decision.desired == 0 &&
      (decision.current == 0 || !decision.idle_timeout.has_value());
  if (nothing_to_say && scaled.told == 0 && !scaled.told_idle_timeout) {
    return std::nullopt;
  }
  if (!changed && now - scaled.told_at < Ttl() / 2) return std::nullopt;
  scaled.told = decision.desired;
  scaled.told_idle_timeout = decision.idle_timeout;
  scaled.told_at = now;
  return News{.decision = std::move(decision), .changed = changed};
}

absl::Duration ControlLoop::Ttl() const {
  return std::max(kMinTtl, kIntervalsPerTarget * options_.scaling.interval);
}

void ControlLoop::ApplyAll(std::vector<News> news) {
  if (news.empty()) {
    Continue();
    return;
  }
  auto round = std::make_shared<Round>();
  round->unanswered = news.size();
  for (const auto& [decision, changed] : news) {
    round->decisions.push_back(ToMessage(decision));
    round->remembered.push_back(changed &&
                                decision.action != ScalingAction::kHold);
  }
  for (size_t i = 0; i < news.size(); ++i) {
    const ScalingDecision& decision = news[i].decision;
    dependencies_.sink.SetTarget({.function_id = decision.load.function_id,
                                  .desired = decision.desired,
                                  .ttl = Ttl(),
                                  .idle_timeout = decision.idle_timeout,
                                  .reason = decision.reason,
                                  .by_pool = decision.load.by_pool},
                                 [this, round, i](const absl::Status& status) {
                                   OnTargetSet(*round, i, status);
                                 });
  }
}

void ControlLoop::OnTargetSet(Round& round, size_t index,
                              const absl::Status& status) {
  Decision& decision = round.decisions[index];
  decision.set_applied(status.ok());
  if (round.remembered[index]) LogDecision(log_, decision, status);
  {
    MutexLock lock(mu_);
    if (--round.unanswered > 0) return;
  }
  std::vector<Decision> remembered;
  for (size_t i = 0; i < round.decisions.size(); ++i) {
    if (round.remembered[i]) {
      remembered.push_back(std::move(round.decisions[i]));
    }
  }
  Remember(std::move(remembered));
  Continue();
}

void ControlLoop::Remember(std::vector<Decision> decisions) {
  {
    MutexLock lock(mu_);
    recent_.insert(recent_.begin(), decisions.begin(), decisions.end());
    if (recent_.size() > options_.history) recent_.resize(options_.history);
  }
  dependencies_.memory.Record(std::move(decisions));
}

void ControlLoop::SaveIfDue() {
  {
    MutexLock lock(mu_);
    const absl::Time now = dependencies_.clock.Now();
    if (now - last_save_ < options_.save_interval) return;
    last_save_ = now;
  }
  Save(false);
}

void ControlLoop::Save(bool all) {
  std::vector<LearnedFunction> learned;
  {
    MutexLock lock(mu_);
    for (const auto& [id, scaled] : functions_) {
      if (!all && !scaled->scaler.worth_saving()) continue;
      learned.push_back(scaled->scaler.Save());
      scaled->scaler.NoteSaved();
    }
  }
  dependencies_.memory.Save(std::move(learned));
}

void ControlLoop::Continue() {
  MutexLock lock(mu_);
  if (stopping_) {
    active_ = false;
    ended_.SignalAll();
    return;
  }
  const absl::Time next = last_start_ + options_.scaling.interval;
  timer_ = dependencies_.timers.Schedule(next - dependencies_.clock.Now(),
                                         [this] { Evaluate(); });
}

}  // namespace so
