#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/timers.h"
#include "services/registry/client/function_directory.h"
#include "services/scaler/archive/archive.h"
#include "services/scaler/control_loop.h"
#include "services/scaler/pool_event_source.h"

namespace so {

// Brings what the pools decide about instances into the archive, each event
// once, over restarts of either side: starts, retirements, evictions.
// Thread-safe.
class EventCollector {
 public:
  struct Options {
    absl::Duration interval = absl::Seconds(2);
    // What the archive has.
    std::vector<PoolCursor> cursors;
  };
  // Borrowed; source and timers as in ControlLoop.
  struct Dependencies {
    PoolEventSource& source;
    const FunctionDirectory& directory;
    Archive& archive;
    // Is told how long instances had been idle when they went.
    ControlLoop& loop;
    Timers& timers;
  };

  EventCollector(Options options, Dependencies dependencies);
  // Stops.
  ~EventCollector();

  // Called once.
  void Start() ABSL_LOCKS_EXCLUDED(mu_);
  // Waits for readings in progress. Not on a thread of source or timers.
  // Idempotent.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Pool {
    // Empty until it has answered.
    std::string id;
    int64_t sequence = 0;
  };

  void ReadAll() ABSL_LOCKS_EXCLUDED(mu_);
  void Read(size_t pool) ABSL_LOCKS_EXCLUDED(mu_);
  void OnEvents(size_t pool, int64_t after,
                absl::StatusOr<PoolEventSource::Events> events)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Takes the answer of a pool in; true when more is to be asked for at once.
  bool TakeIn(size_t pool, int64_t after, const PoolEventSource::Events& events)
      ABSL_LOCKS_EXCLUDED(mu_);
  void ReadingEnded() ABSL_LOCKS_EXCLUDED(mu_);
  serverless::scaler::v1::Decision ToDecision(
      const std::string& pool_id,
      const serverless::pool::v1::PoolEvent& event) const;

  const absl::Duration interval_;
  const Dependencies dependencies_;

  Mutex mu_;
  CondVar ended_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  size_t reading_ ABSL_GUARDED_BY(mu_) = 0;
  TimerId timer_ ABSL_GUARDED_BY(mu_) = 0;
  bool scheduled_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<Pool> pools_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, int64_t> cursors_ ABSL_GUARDED_BY(mu_);
};

}  // namespace so
