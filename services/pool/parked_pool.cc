#include "services/pool/parked_pool.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace so {

ParkedPool::ParkedPool(Options options, Launcher& launcher, Clock& clock,
                       Timers& timers, StartSteps& steps)
    : options_(options),
      launcher_(launcher),
      clock_(clock),
      timers_(timers),
      steps_(steps) {
  launcher_.Subscribe([this] { LauncherChanged(); });
  cleanup_timer_ =
      timers_.Schedule(options_.cleanup_interval, [this] { Cleanup(); });
}

ParkedPool::~ParkedPool() {
  timers_.Cancel(cleanup_timer_);
  timers_.Cancel(refuse_timer_);
  for (auto& [runtime, stock] : stocks_) {
    timers_.Cancel(stock.refill_timer);
    for (Parked& parked : stock.parked) launcher_.Abandon(parked.sandbox.id);
  }
}

ParkedPool::TakeId ParkedPool::Take(const std::string& runtime, OnTaken done,
                                    bool ahead_of_demand) {
  Stock& stock = stocks_[runtime];
  stock.starts.Add(clock_.Now());
  RefillLater(runtime, stock, options_.refill_delay);
  if (stock.parked.size() > (ahead_of_demand ? 1u : 0u)) {
    ParkedSandbox sandbox = std::move(stock.parked.front().sandbox);
    stock.parked.pop_front();
    done(std::move(sandbox));
    return 0;
  }
  const TakeId id = ++last_take_;
  // With those like it, in order.
  const auto place =
      ahead_of_demand
          ? stock.takers.end()
          : std::find_if(stock.takers.begin(), stock.takers.end(),
                         [](const Taker& t) { return t.ahead_of_demand; });
  stock.takers.insert(place, {id, std::move(done), ahead_of_demand});
  const RuntimeState* state = StateOf(runtime);
  if (state != nullptr && !state->problem.empty()) {
    timers_.Cancel(refuse_timer_);
    refuse_timer_ =
        timers_.Schedule(absl::ZeroDuration(), [this] { LauncherChanged(); });
  }
  ServeTakers(runtime, stock);
  return id;
}

void ParkedPool::Cancel(TakeId id) {
  if (id == 0) return;
  for (auto& [runtime, stock] : stocks_) {
    std::erase_if(stock.takers, [id](const Taker& t) { return t.id == id; });
  }
}

const RuntimeState* ParkedPool::StateOf(const std::string& runtime) const {
  const auto& runtimes = launcher_.state().runtimes;
  const auto it = runtimes.find(runtime);
  return it == runtimes.end() ? nullptr : &it->second;
}

bool ParkedPool::IsReady(const std::string& runtime) const {
  const RuntimeState* state = StateOf(runtime);
  return launcher_.state().up() && state != nullptr && state->ready;
}

int ParkedPool::TargetOf(const Stock& stock) const {
  return ParkingTarget({.rate = stock.starts.PerSecond(clock_.Now()),
                        .park_time = stock.park_time,
                        .min = options_.min,
                        .max = options_.max});
}

void ParkedPool::LauncherChanged() {
  for (const auto& [runtime, state] : launcher_.state().runtimes) {
    Stock& stock = stocks_[runtime];
    if (state.ready) {
      if (stock.parked.empty() && stock.parking == 0) {
        // It has just become ready: pauses after earlier failures are over.
        stock.backoff.Reset();
        timers_.Cancel(std::exchange(stock.refill_timer, 0));
      }
      ServeTakers(runtime, stock);
      Refill(runtime, stock);
    } else if (!state.problem.empty()) {
      FailTakers(stock, state.problem);
    }
  }
}

void ParkedPool::ServeTakers(const std::string& runtime, Stock& stock) {
  if (!IsReady(runtime)) return;
  while (stock.parking < static_cast<int>(stock.takers.size())) {
    Park(runtime, stock, /*refill=*/false);
  }
}

void ParkedPool::FailTakers(Stock& stock, const std::string& problem) {
  while (!stock.takers.empty()) {
    OnTaken done = std::move(stock.takers.front().done);
    stock.takers.pop_front();
    done(absl::UnavailableError(problem));
  }
}

void ParkedPool::RefillLater(const std::string& runtime, Stock& stock,
                             absl::Duration delay) {
  if (stock.refill_timer != 0) return;
  stock.refill_timer = timers_.Schedule(delay, [this, runtime] {
    Stock& due = stocks_[runtime];
    due.refill_timer = 0;
    Refill(runtime, due);
  });
}

void ParkedPool::Refill(const std::string& runtime, Stock& stock) {
  // After a failure, only the timer may try again.
  if (stock.refill_timer != 0 || !IsReady(runtime)) return;
  const int target = TargetOf(stock);
  // What is being made for takers goes to them.
  while (refills_ < options_.max_refills &&
         static_cast<int>(stock.parked.size()) + stock.parking -
                 static_cast<int>(stock.takers.size()) <
             target) {
    Park(runtime, stock, /*refill=*/true);
  }
}

void ParkedPool::Park(const std::string& runtime, Stock& stock, bool refill) {
  ++stock.parking;
  if (refill) ++refills_;
  launcher_.Park(runtime, [this, runtime, refill, asked = clock_.Now()](
                              absl::StatusOr<ParkedSandbox> sandbox) {
    Made(runtime, refill, asked, std::move(sandbox));
  });
}

void ParkedPool::Made(const std::string& runtime, bool refill, absl::Time asked,
                      absl::StatusOr<ParkedSandbox> sandbox) {
  Stock& stock = stocks_[runtime];
  --stock.parking;
  if (refill) --refills_;
  if (!sandbox.ok()) return Failed(runtime, stock, sandbox.status());
  stock.backoff.Reset();
  stock.park_time += (clock_.Now() - asked - stock.park_time) / 8;
  for (size_t i = 0; i < launcher::kStepCount; ++i) {
    if (i == static_cast<size_t>(launcher::Step::kActivate)) continue;
    steps_.Record(runtime, launcher::kSteps[i], sandbox->steps[i]);
  }
  if (stock.takers.empty()) {
    Shelve(runtime, stock, *std::move(sandbox));
  } else {
    OnTaken done = std::move(stock.takers.front().done);
    stock.takers.pop_front();
    done(*std::move(sandbox));
  }
  // Each runtime in turn, so that none waits for the others to be full.
  for (auto& [name, other] : stocks_) {
    if (name != runtime) Refill(name, other);
  }
  Refill(runtime, stocks_[runtime]);
}

void ParkedPool::Failed(const std::string& runtime, Stock& stock,
                        const absl::Status& status) {
  if (!launcher_.state().up()) return;  // Takers wait for its return.
  log_.Error("no sandbox could be made",
             {{"runtime", runtime}, {"problem", status.message()}});
  timers_.Cancel(std::exchange(stock.refill_timer, 0));
  RefillLater(runtime, stock, stock.backoff.Next());
  // The others wait for requests of their own.
  if (stock.parking < static_cast<int>(stock.takers.size())) {
    OnTaken done = std::move(stock.takers.front().done);
    stock.takers.pop_front();
    done(status);
  }
}

void ParkedPool::Shelve(const std::string& runtime, Stock& stock,
                        ParkedSandbox sandbox) {
  const uint64_t id = sandbox.id;
  launcher_.WhenEnded(id, [this, runtime, id](const SandboxEnd&) {
    Stock& mine = stocks_[runtime];
    std::erase_if(mine.parked,
                  [id](const Parked& p) { return p.sandbox.id == id; });
    if (launcher_.state().up()) {
      RefillLater(runtime, mine, mine.backoff.Next());
    }
  });
  stock.parked.push_back({std::move(sandbox), clock_.Now()});
}

void ParkedPool::Cleanup() {
  cleanup_timer_ =
      timers_.Schedule(options_.cleanup_interval, [this] { Cleanup(); });
  for (auto& [runtime, stock] : stocks_) {
    if (stock.parked.empty()) continue;
    const bool surplus =
        static_cast<int>(stock.parked.size()) > TargetOf(stock);
    const bool old =
        clock_.Now() - stock.parked.front().since > options_.max_age;
    if (!surplus && !old) continue;
    // One at a time: the rest stays at hand meanwhile.
    launcher_.Abandon(stock.parked.front().sandbox.id);
    stock.parked.pop_front();
    Refill(runtime, stock);
  }
}

void ParkedPool::AddTo(serverless::pool::v1::Isolation& isolation) const {
  const LauncherState& state = launcher_.state();
  isolation.set_problem(state.problem);
  for (const std::string& layer : state.missing_layers) {
    isolation.add_missing_layers(layer);
  }
  for (const auto& [runtime, status] : state.runtimes) {
    auto& stock = *isolation.add_runtimes();
    stock.set_runtime(runtime);
    stock.set_ready(status.ready);
    stock.set_problem(status.problem);
    const auto it = stocks_.find(runtime);
    if (it == stocks_.end()) continue;
    stock.set_parked(static_cast<int>(it->second.parked.size()));
    stock.set_parking(it->second.parking);
    stock.set_target(TargetOf(it->second));
  }
}

}  // namespace so
