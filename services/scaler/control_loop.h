#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/timers.h"
#include "serverless/scaler/v1/scaler.pb.h"
#include "serverless/scaler/v1/state.pb.h"
#include "services/registry/client/function_directory.h"
#include "services/scaler/archive/archive.h"
#include "services/scaler/function_scaler.h"
#include "services/scaler/load_changes.h"
#include "services/scaler/load_source.h"
#include "services/scaler/target_sink.h"

namespace so {

// Evaluates the load of every function at an interval and says how many
// instances it is to have. Thread-safe. A reading that fails changes nothing;
// it is counted, and logged when it starts and when it ends. Targets run out
// soon after the last evaluation: then the pools keep and clean up by
// themselves.
//
//   ControlLoop loop({.scaling = settings}, {source, sink, ...});
//   loop.Restore(learned);
//   loop.Start();
//   ...
//   loop.Stop();
class ControlLoop {
 public:
  using Decision = serverless::scaler::v1::Decision;
  using LearnedFunction = serverless::scaler::v1::LearnedFunction;

  struct Options {
    ScalingSettings scaling;
    // How many of the latest decisions are remembered.
    size_t history = 100;
    // Time between two savings of what was learned of functions in use.
    absl::Duration save_interval = absl::Minutes(1);
  };

  // Borrowed; all must outlive the loop. Source and sink must also outlive the
  // thread of the timers, which may still be returning from them after Stop.
  struct Dependencies {
    LoadSource& source;
    TargetSink& sink;
    const FunctionDirectory& directory;
    // Where decisions and what was learned are kept.
    ScalerMemory& memory;
    const Clock& clock;
    Timers& timers;
  };

  struct Status {
    double evaluations = 0;
    double failed_evaluations = 0;
    // InfinitePast before the first.
    absl::Time last_evaluation = absl::InfinitePast();
    absl::Duration interval;
    std::vector<std::string> policies;
    PredictionSetting prediction;
    // Newest first.
    std::vector<Decision> recent;
  };

  ControlLoop(Options options, Dependencies dependencies);
  // Stops.
  ~ControlLoop();

  // What an earlier life has learned. Before Start.
  void Restore(std::vector<LearnedFunction> learned) ABSL_LOCKS_EXCLUDED(mu_);

  // The first evaluation is one interval away. Called once.
  void Start() ABSL_LOCKS_EXCLUDED(mu_);

  // Ends the loop, waits for an evaluation in progress, and saves what was
  // learned. Must not be called on a thread of the source, the sink or the
  // timers. Idempotent.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

  Status GetStatus() const ABSL_LOCKS_EXCLUDED(mu_);

  // What warming a function costs and brings. NOT_FOUND before its first
  // evaluation.
  absl::StatusOr<serverless::scaler::v1::GetWarmingResponse> GetWarming(
      const std::string& function_id) const ABSL_LOCKS_EXCLUDED(mu_);

  // An instance of a function has gone, `idle` after its last call.
  void NoteEnd(const std::string& function_id, absl::Duration idle,
               double memory_gb) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // Targets of one evaluation, until all are answered.
  struct Round;
  // A decision that the pools are to be told.
  struct News {
    ScalingDecision decision;
    // Not only told again.
    bool changed = false;
  };
  // A function, and what its pools were told last.
  struct Scaled {
    explicit Scaled(FunctionScaler decides) : scaler(std::move(decides)) {}
    FunctionScaler scaler;
    int told = 0;
    std::optional<absl::Duration> told_idle_timeout;
    // Monotonic; InfinitePast when never.
    absl::Time told_at = absl::InfinitePast();
  };

  void Evaluate() ABSL_LOCKS_EXCLUDED(mu_);
  void OnLoad(absl::StatusOr<LoadReading> reading) ABSL_LOCKS_EXCLUDED(mu_);
  void CountReading(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<News> DecideAll(LoadReading reading) ABSL_LOCKS_EXCLUDED(mu_);
  Scaled& ScaledOf(const FunctionPtr& function)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ForgetDeleted() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Whether the pools are to be told, or told again before they forget.
  std::optional<News> NewsOf(Scaled& scaled, ScalingDecision decision)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Duration Ttl() const;
  void ApplyAll(std::vector<News> news) ABSL_LOCKS_EXCLUDED(mu_);
  void OnTargetSet(Round& round, size_t index, const absl::Status& status)
      ABSL_LOCKS_EXCLUDED(mu_);
  void Remember(std::vector<Decision> decisions) ABSL_LOCKS_EXCLUDED(mu_);
  void SaveIfDue() ABSL_LOCKS_EXCLUDED(mu_);
  // Everything, or what is worth it.
  void Save(bool all) ABSL_LOCKS_EXCLUDED(mu_);
  // Schedules the next evaluation, or ends the loop when it is stopping.
  void Continue() ABSL_LOCKS_EXCLUDED(mu_);

  const Options options_;
  const Dependencies dependencies_;
  const Logger log_;

  mutable Mutex mu_;
  CondVar ended_;
  // From Start until the last callback has run: a timer or an evaluation is
  // pending.
  bool active_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool failing_ ABSL_GUARDED_BY(mu_) = false;
  TimerId timer_ ABSL_GUARDED_BY(mu_) = 0;
  double evaluations_ ABSL_GUARDED_BY(mu_) = 0;
  double failed_evaluations_ ABSL_GUARDED_BY(mu_) = 0;
  // On the wall clock, for display; and on the monotonic one.
  absl::Time last_evaluation_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  absl::Time last_start_ ABSL_GUARDED_BY(mu_);
  absl::Time last_save_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  LoadChanges changes_ ABSL_GUARDED_BY(mu_);
  // By function id; those that an earlier life knew and this one has not yet
  // seen are in `learned_`.
  absl::flat_hash_map<std::string, std::unique_ptr<Scaled>> functions_
      ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, LearnedFunction> learned_
      ABSL_GUARDED_BY(mu_);
  // Newest first.
  std::deque<Decision> recent_ ABSL_GUARDED_BY(mu_);
};

}  // namespace so
