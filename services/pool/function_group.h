#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/backoff.h"
#include "base/timers.h"
#include "services/pool/init_breaker.h"
#include "services/pool/instance.h"
#include "services/pool/memory_time.h"
#include "services/pool/warm_call.h"
#include "services/pool/warming_waste.h"

namespace so {

// Why an instance was started.
enum class StartReason {
  kOnDemand,
  kWarmUp,
  kMinInstances,
  kTarget,
  kReplacement
};
// "on-demand", "warm-up", "min-instances", "target", "replacement".
absl::string_view ReasonName(StartReason reason);

// Why an instance goes, as the event log says it.
struct Departure {
  absl::string_view action = "retire";
  // Constants: see PoolEvent.
  absl::string_view reason;
  std::string detail;
};

// An instance and what the pool has decided about it.
struct Member {
  std::unique_ptr<Instance> instance;
  StartReason reason = StartReason::kOnDemand;
  // The router that waits for it, and by which name.
  RouterId requester = 0;
  std::string start_id;
  std::string code_dir;
  // Routers have heard of it.
  bool announced = false;
  // What it takes of the node's memory, in MB.
  int memory = 0;
  // It is retired as soon as it is free, for this reason.
  bool retire_when_free = false;
  Departure departure;
  // The error of a call after which it takes no more.
  std::string fault;
  // The event log says why it goes, by this reason.
  bool departed = false;
  std::string departed_because;
  // How far its group's memory_time has come: its state since then.
  InstanceState accounted_as = serverless::pool::v1::INSTANCE_STATE_COLD;
  absl::Time accounted_at;
  // Id of the instance it replaces, and whether it is being replaced itself.
  std::string replaces;
  bool being_replaced = false;
  // The Warm call that waits for it.
  std::shared_ptr<WarmCall> warm_call;

  // A caller waits for it, or has.
  bool on_demand() const { return requester != 0; }
  InstanceState state() const { return instance->state(); }
  bool is(InstanceState state) const { return instance->state() == state; }
  // It takes up capacity: everything but what is on its way out.
  bool live() const {
    return !is(serverless::pool::v1::INSTANCE_STATE_TERMINATING);
  }
};

// The instances of one function, of all its versions, and what is wanted of
// them.
struct FunctionGroup {
  std::string function_id;
  // By id, which is by age.
  std::map<std::string, std::unique_ptr<Member>> members;
  // What the scaler asked for, why, and until when.
  int target = 0;
  std::string target_reason;
  absl::Time target_until = absl::InfinitePast();
  // While it holds: how long instances above it may be idle; zero: as the pool
  // is set.
  absl::Duration target_idle_timeout;
  // Looks for those that have been idle for so long.
  TimerId idle_timer = 0;
  // Whether what was started ahead of demand was used.
  WarmingWaste waste;
  // How long a start and loading the code take, smoothed; zero while none has
  // succeeded.
  absl::Duration cold_start;
  // After failures, starts ahead of demand wait.
  Backoff backoff{absl::Seconds(1), absl::Minutes(1)};
  absl::Time retry_at = absl::InfinitePast();
  TimerId retry_timer = 0;
  // By version.
  std::map<int, InitBreaker> breakers;
  int64_t started = 0;
  int64_t failed_starts = 0;
  int64_t expired = 0;
  // Of all its instances since the pool started; what is in progress is added
  // with each change of state.
  MemoryTime memory_time;

  int CountLive() const;
  int Count(InstanceState state) const;
  // Live instances that new calls of `version` can use from now on.
  int CountUsable(int version) const;
  bool HasTarget(absl::Time now) const { return now < target_until; }
  // How many instances are to be kept however idle.
  int Floor(int min_instances, absl::Time now) const;
};

// Whether an instance made for `old` is of no use to `current`: another
// version, or other limits.
bool IsOutdated(const serverless::function::v1::Function& old,
                const serverless::function::v1::Function& current);

}  // namespace so
