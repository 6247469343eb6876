#pragma once

#include <deque>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/router/drain_rate.h"
#include "services/router/invocation.h"

namespace so {

// What the dispatcher knows of one version of a function: who waits, who is
// free, what has been asked for. Guarded by the dispatcher's lock.
struct FunctionQueue {
  // As of the latest submit; null while only the pool has spoken of it.
  FunctionPtr function;
  // First in, first out; retries go to the front.
  std::deque<InvocationPtr> waiting;
  // Ids of warm instances, once for every call that they could take now, taken
  // from the back: the latest used first. The ones at the front idle until the
  // pool retires them.
  std::vector<std::string> idle;
  // Starts asked for that the pool has not announced yet.
  absl::flat_hash_set<std::string> pending_starts;
  int warming = 0;  // Announced, not warm yet, whoever asked for them.
  int live = 0;     // Warm or busy.
  int running = 0;  // Calls on its instances.

  // Why the latest start failed for lack of means; OK after a success.
  absl::Status start_error;
  // No new starts before this time; the wait doubles with every failure.
  absl::Time starts_paused_until = absl::InfinitePast();
  absl::Duration start_pause;
  bool start_retry_scheduled = false;

  // It was refused an instance because the node is full, and wants it still.
  // It is asked for again in its turn.
  bool contends = false;
  // What an instance takes of the node's memory in MB; 0 while unknown.
  int instance_memory = 0;
  // Since when it has had an instance, or asked for one, without interruption.
  absl::Time held_since;
  // When it lost its last instance.
  absl::Time released = absl::InfinitePast();

  // How fast its calls end.
  DrainRate drained;

  int starting() const {
    return warming + static_cast<int>(pending_starts.size());
  }

  // How many instances so many calls take.
  int InstancesFor(int calls) const;

  // How many instances to ask for now: one for every waiting call that no start
  // under way will serve, as far as max_instances allows.
  int StartsWanted() const;

  // Instances it has, those that are starting included.
  int held() const { return live + starting(); }
  // To be called before `held` grows.
  void NoteHolding(absl::Time now) {
    if (held() == 0) held_since = now;
  }

  // When those who wait now will have been served.
  absl::Duration DrainEstimate(absl::Time now) const {
    return drained.TimeFor(static_cast<double>(waiting.size()), now);
  }

  void RemoveIdle(absl::string_view instance_id);
  bool unused() const {
    return waiting.empty() && live == 0 && starting() == 0;
  }
};

}  // namespace so
