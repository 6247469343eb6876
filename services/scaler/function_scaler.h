#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "serverless/scaler/v1/scaler.pb.h"
#include "serverless/scaler/v1/state.pb.h"
#include "services/registry/client/function_directory.h"
#include "services/scaler/policy/compose.h"
#include "services/scaler/policy/history_floor.h"
#include "services/scaler/policy/idle_budget.h"
#include "services/scaler/policy/minute_counts.h"
#include "services/scaler/policy/prediction.h"
#include "services/scaler/policy/scaling_policy.h"
#include "services/scaler/policy/shadow.h"
#include "services/scaler/policy/warming_ledger.h"
#include "services/scaler/scaling_settings.h"

namespace so {

// Decides for one function: asks its policies, composes what they want, keeps
// the accounts, and lets prediction be compared before it decides. Knows
// neither clock nor network. Not thread-safe.
class FunctionScaler {
 public:
  using LearnedFunction = serverless::scaler::v1::LearnedFunction;

  // What `settings` borrows must outlive the scaler.
  FunctionScaler(FunctionPtr function, const ScalingSettings& settings);

  // The function may have changed; what was learned of it stays.
  void SetFunction(FunctionPtr function);

  // `cold_start` is the p95 of its runtime, if one is known; `now` is on the
  // wall clock and does not fall.
  ScalingDecision Decide(const FunctionLoad& load,
                         std::optional<absl::Duration> cold_start,
                         absl::Time now);

  // An instance has gone, `idle` after its last call.
  void NoteEnd(absl::Duration idle, double memory_gb) {
    ledger_.NoteEnd(idle, memory_gb);
  }

  serverless::scaler::v1::GetWarmingResponse Warming(absl::Time now) const;

  // Whether it has been called, or had instances, since it was saved: what only
  // time has added is not worth writing every minute.
  bool worth_saving() const { return worth_saving_; }
  void NoteSaved() { worth_saving_ = false; }

  // What is to survive a restart. What cannot be right is left out when it is
  // restored.
  LearnedFunction Save() const;
  void Restore(const LearnedFunction& learned, absl::Time now);

 private:
  // One of the policies in force. Prediction and history learn at all times, in
  // force or not, and so are kept beside: `policy` is null.
  struct PolicyInForce {
    std::string name;
    std::unique_ptr<ScalingPolicy> policy;
  };

  void Configure();
  FunctionSpec Spec(std::optional<absl::Duration> cold_start) const;
  bool PredictionIsInForce() const;
  bool PredictionDecides() const;
  absl::string_view PredictionReason() const;
  // Says when the next call is expected, and by what.
  void Expect(serverless::scaler::v1::GetWarmingResponse& warming,
              absl::Time now) const;
  void Suggest(serverless::scaler::v1::GetWarmingResponse& warming) const;
  void SaveWarming(serverless::scaler::v1::LearnedWarming& saved) const;

  const ScalingSettings& settings_;
  FunctionPtr function_;
  std::vector<PolicyInForce> policies_;
  std::unique_ptr<Prediction> prediction_;
  HistoryFloor history_;
  Shadow shadow_;
  PredictionMode verdict_ = PredictionMode::kProving;
  IdleBudget budget_;
  WarmingLedger ledger_;
  MinuteCounts minutes_;
  FunctionSpec spec_;
  bool worth_saving_ = false;
  std::optional<ScalingDecision> previous_;
};

}  // namespace so
