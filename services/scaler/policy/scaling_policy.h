#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/scaler/policy/function_load.h"

namespace so {

// What a policy must know about a function besides its load.
struct FunctionSpec {
  int min_instances = 0;
  // At least min_instances and 1.
  int max_instances = 20;
  // Calls that one instance runs at a time.
  int instance_concurrency = 1;
  // Of one instance, busy or idle.
  double memory_gb = 0.125;
  // From the start of an instance until it takes calls: the p95 of those seen.
  absl::Duration cold_start = absl::Milliseconds(6);
};

// What one policy wants for one function.
struct Proposal {
  std::string policy;
  // Instances, those included that there are. 0: nothing in particular; what
  // there is goes when it has been idle for long enough.
  int wanted = 0;
  // How long an instance beyond what is wanted may be idle; empty: the policy
  // has no opinion, the pool's own setting holds.
  std::optional<absl::Duration> idle_timeout;
  // Inputs, terms and result in one line, for people.
  std::string formula;
};

// Decides for one function, reading by reading: an object belongs to one
// function and remembers what it has seen of it. Knows neither clock nor
// threads nor network: equal readings in equal order give equal proposals, live
// and in a replay. Not thread-safe.
class ScalingPolicy {
 public:
  virtual ~ScalingPolicy() = default;

  // "concurrency".
  virtual absl::string_view name() const = 0;

  // `now` is on the wall clock and does not fall from one call to the next. The
  // spec may differ from that of the call before. Not called for a reading that
  // failed.
  virtual Proposal Propose(const FunctionLoad& load, const FunctionSpec& spec,
                           absl::Time now) = 0;

  // When the policy knows that the next call will come, after `now`;
  // InfiniteFuture when it knows of none, or not when.
  virtual absl::Time NextKnown(absl::Time /*now*/) const {
    return absl::InfiniteFuture();
  }
};

}  // namespace so
