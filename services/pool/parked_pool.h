#pragma once

#include <deque>
#include <map>
#include <string>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/timers.h"
#include "serverless/pool/v1/pool.pb.h"
#include "services/pool/launcher.h"
#include "services/pool/parking_target.h"
#include "services/pool/start_steps.h"

namespace so {

// Keeps a few parked sandboxes of each runtime at hand, so that a start has
// only to take one. What is taken is replaced a moment later, a few at a time,
// and never before what somebody waits for. While there is no launcher, or the
// runtime is still starting, takers wait. For the loop thread.
class ParkedPool {
 public:
  struct Options {
    // Per runtime.
    int min = 2;
    int max = 32;
    // Sandboxes being made ahead of demand at the same time, of all runtimes.
    int max_refills = 2;
    // Between a start and what it makes necessary: the start comes first, and
    // is to be over within this time.
    absl::Duration refill_delay = absl::Milliseconds(10);
    // Older ones are replaced: each holds on to the zygote it came from.
    absl::Duration max_age = absl::Minutes(10);
    absl::Duration cleanup_interval = absl::Seconds(10);
  };
  using TakeId = uint64_t;
  using OnTaken = absl::AnyInvocable<void(absl::StatusOr<ParkedSandbox>)>;

  // All borrowed.
  ParkedPool(Options options, Launcher& launcher, Clock& clock, Timers& timers,
             StartSteps& steps);
  ~ParkedPool();

  // Gives a sandbox to `done`: the oldest one parked, inside this call (then
  // the answer is 0), or one made for it. Errors, UNAVAILABLE, come later only.
  // With `ahead_of_demand`, the last one parked is left to others, and one that
  // is made goes to them first.
  TakeId Take(const std::string& runtime, OnTaken done,
              bool ahead_of_demand = false);
  // `done` will not run; the sandbox goes to somebody else. 0 is ignored.
  void Cancel(TakeId id);

  // The state of the launcher and of the stocks.
  void AddTo(serverless::pool::v1::Isolation& isolation) const;

 private:
  struct Parked {
    ParkedSandbox sandbox;
    absl::Time since;
  };
  struct Taker {
    TakeId id;
    OnTaken done;
    bool ahead_of_demand = false;
  };
  struct Stock {
    std::deque<Parked> parked;
    // Those ahead of demand are behind the others.
    std::deque<Taker> takers;
    // Requests to the launcher under way, for takers and ahead of demand.
    int parking = 0;
    ArrivalRate starts;
    // Of the last ones, smoothed.
    absl::Duration park_time = absl::Milliseconds(5);
    TimerId refill_timer = 0;
    Backoff backoff{absl::Milliseconds(200), absl::Seconds(30)};
  };

  const RuntimeState* StateOf(const std::string& runtime) const;
  bool IsReady(const std::string& runtime) const;
  int TargetOf(const Stock& stock) const;
  void LauncherChanged();
  // Makes what takers wait for.
  void ServeTakers(const std::string& runtime, Stock& stock);
  void FailTakers(Stock& stock, const std::string& problem);
  void RefillLater(const std::string& runtime, Stock& stock,
                   absl::Duration delay);
  void Refill(const std::string& runtime, Stock& stock);
  void Park(const std::string& runtime, Stock& stock, bool refill);
  void Made(const std::string& runtime, bool refill, absl::Time asked,
            absl::StatusOr<ParkedSandbox> sandbox);
  void Failed(const std::string& runtime, Stock& stock,
              const absl::Status& status);
  void Shelve(const std::string& runtime, Stock& stock, ParkedSandbox sandbox);
  void Cleanup();

  const Options options_;
  Launcher& launcher_;
  Clock& clock_;
  Timers& timers_;
  StartSteps& steps_;
  const Logger log_{"POOL"};
  std::map<std::string, Stock> stocks_;
  int refills_ = 0;
  TakeId last_take_ = 0;
  TimerId cleanup_timer_ = 0;
  // Refuses takers of a runtime that cannot be used.
  TimerId refuse_timer_ = 0;
};

}  // namespace so
