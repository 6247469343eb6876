#pragma once

#include <string>

#include "services/scaler/policy/keep_alive_policy.h"

namespace so {

// Keeps every instance for the same time.
class FixedKeepAlive : public KeepAlivePolicy {
 public:
  FixedKeepAlive(std::string name, const WarmPlan& plan,
                 const SpareRule& spare = {});

  // "fixed:10m".
  static FixedKeepAlive For(absl::Duration keep);
  // What the pool does without any policy: 60 s idle, and instances of 5 min
  // are replaced ahead.
  static FixedKeepAlive PlatformDefaults();
  // The same, but an instance that is too old goes without a successor.
  static FixedKeepAlive WithoutReplacement();
  // The same with the rule of the policy "thresholds" that does not need a
  // queue: every 5 s, two instances are free while some are busy. What the seed
  // of this platform was to do by default.
  static FixedKeepAlive SeedDefaults();

  std::string name() const override { return name_; }
  KeepAliveDecision Decide(const GapHistogram& gaps,
                           const FunctionProfile& profile) const override;
  SpareRule spare() const override { return spare_; }
  // It looks at none.
  GapHistogram::Options histogram() const override { return {.bins = 1}; }

 private:
  std::string name_;
  WarmPlan plan_;
  SpareRule spare_;
};

}  // namespace so
