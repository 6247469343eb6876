#pragma once

#include <deque>
#include <memory>
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
#include "services/scaler/load_source.h"
#include "services/scaler/policy/compose.h"
#include "services/scaler/policy/thresholds.h"
#include "services/scaler/rejection_rates.h"
#include "services/scaler/target_sink.h"

namespace so {

// Evaluates the load of every function at an interval and asks for instances
// where the policy says so. Thread-safe. A reading that fails decides nothing;
// it is counted, and logged when it starts and when it ends.
//
//   ControlLoop loop({.interval = absl::Seconds(5)}, {source, sink, clock,
//                                                     timers});
//   loop.Start();
//   ...
//   loop.Stop();
class ControlLoop {
 public:
  struct Options {
    // Time from the start of one evaluation to the start of the next.
    absl::Duration interval = absl::Seconds(5);
    ThresholdScaling::Options policy;
    // How many of the latest decisions are remembered.
    size_t history = 100;
  };

  // Borrowed; all must outlive the loop. Source and sink must also outlive the
  // thread of the timers, which may still be returning from them after Stop.
  struct Dependencies {
    LoadSource& source;
    TargetSink& sink;
    const Clock& clock;
    Timers& timers;
  };

  // A decision and what became of it.
  struct Outcome {
    ScalingDecision decision;
    // Whether the target was accepted.
    bool applied = false;
  };

  struct Status {
    double evaluations = 0;
    double failed_evaluations = 0;
    // InfinitePast before the first.
    absl::Time last_evaluation = absl::InfinitePast();
    absl::Duration interval;
    // Newest first.
    std::vector<Outcome> recent;
  };

  ControlLoop(Options options, Dependencies dependencies);
  // Stops.
  ~ControlLoop();

  // The first evaluation is one interval away. Called once.
  void Start() ABSL_LOCKS_EXCLUDED(mu_);

  // Ends the loop and waits for an evaluation in progress. Must not be called
  // on a thread of the source, the sink or the timers. Idempotent.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

  Status GetStatus() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // What one evaluation has decided, until all its targets are answered.
  struct Round;

  void Evaluate() ABSL_LOCKS_EXCLUDED(mu_);
  void OnLoad(absl::StatusOr<std::vector<FunctionLoad>> loads)
      ABSL_LOCKS_EXCLUDED(mu_);
  void CountReading(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<Outcome> DecideAll(std::vector<FunctionLoad> loads)
      ABSL_LOCKS_EXCLUDED(mu_);
  void ApplyAll(std::vector<Outcome> outcomes) ABSL_LOCKS_EXCLUDED(mu_);
  void OnTargetSet(Round& round, size_t index, const absl::Status& status)
      ABSL_LOCKS_EXCLUDED(mu_);
  void Remember(const std::vector<Outcome>& outcomes) ABSL_LOCKS_EXCLUDED(mu_);
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
  RejectionRates rejection_rates_ ABSL_GUARDED_BY(mu_);
  // By function id; those of functions that are gone are forgotten.
  absl::flat_hash_map<std::string, ThresholdScaling> policies_
      ABSL_GUARDED_BY(mu_);
  // Newest first.
  std::deque<Outcome> recent_ ABSL_GUARDED_BY(mu_);
};

}  // namespace so
