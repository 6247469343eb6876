#include "services/scaler/event_collector.h"

#include <algorithm>
#include <utility>

namespace so {

using serverless::pool::v1::PoolEvent;
using serverless::scaler::v1::Decision;

EventCollector::EventCollector(Options options, Dependencies dependencies)
    : interval_(options.interval),
      dependencies_(dependencies),
      pools_(dependencies.source.pools()) {
  for (PoolCursor& cursor : options.cursors) {
    cursors_[std::move(cursor.pool_id)] = cursor.sequence;
  }
}

EventCollector::~EventCollector() { Stop(); }

void EventCollector::Start() {
  MutexLock lock(mu_);
  scheduled_ = true;
  timer_ = dependencies_.timers.Schedule(interval_, [this] { ReadAll(); });
}

void EventCollector::Stop() {
  MutexLock lock(mu_);
  stopping_ = true;
  if (dependencies_.timers.Cancel(timer_)) scheduled_ = false;
  while (scheduled_ || reading_ > 0) ended_.Wait(mu_);
}

void EventCollector::ReadAll() {
  const size_t pools = dependencies_.source.pools();
  {
    MutexLock lock(mu_);
    scheduled_ = false;
    reading_ = pools;
  }
  for (size_t pool = 0; pool < pools; ++pool) Read(pool);
}

void EventCollector::Read(size_t pool) {
  int64_t after = 0;
  {
    MutexLock lock(mu_);
    after = pools_[pool].sequence;
  }
  dependencies_.source.Read(
      pool, after,
      [this, pool, after](absl::StatusOr<PoolEventSource::Events> events) {
        OnEvents(pool, after, std::move(events));
      });
}

void EventCollector::OnEvents(size_t pool, int64_t after,
                              absl::StatusOr<PoolEventSource::Events> events) {
  // A pool that is away says later what it has decided.
  if (events.ok() && TakeIn(pool, after, *events)) {
    Read(pool);
  } else {
    ReadingEnded();
  }
}

bool EventCollector::TakeIn(size_t pool, int64_t after,
                            const PoolEventSource::Events& events) {
  {
    MutexLock lock(mu_);
    Pool& known = pools_[pool];
    if (known.id != events.pool_id()) {
      known.id = events.pool_id();
      const auto cursor = cursors_.find(known.id);
      known.sequence = cursor == cursors_.end() ? 0 : cursor->second;
      // It was asked for events of another life.
      if (known.sequence != after) return !stopping_;
    }
    if (events.events().empty()) return false;
    known.sequence = events.events().rbegin()->sequence();
  }
  std::vector<Decision> decisions;
  for (const PoolEvent& event : events.events()) {
    decisions.push_back(ToDecision(events.pool_id(), event));
    if (event.action() == "retire" || event.action() == "evict") {
      dependencies_.loop.NoteEnd(event.function_id(),
                                 absl::Milliseconds(event.idle()),
                                 event.memory() / 1024.0);
    }
  }
  dependencies_.archive.RecordEvents(
      std::move(decisions), {.pool_id = events.pool_id(),
                             .sequence = events.events().rbegin()->sequence()});
  MutexLock lock(mu_);
  return !stopping_;
}

void EventCollector::ReadingEnded() {
  MutexLock lock(mu_);
  if (--reading_ > 0) return;
  if (stopping_) {
    ended_.SignalAll();
    return;
  }
  scheduled_ = true;
  timer_ = dependencies_.timers.Schedule(interval_, [this] { ReadAll(); });
}

Decision EventCollector::ToDecision(const std::string& pool_id,
                                    const PoolEvent& event) const {
  Decision decision;
  *decision.mutable_time() = event.time();
  decision.set_function_id(event.function_id());
  if (const FunctionPtr function =
          dependencies_.directory.Find(event.function_id());
      function != nullptr) {
    decision.set_function_name(function->name());
  }
  decision.set_action(event.action());
  decision.set_reason(event.reason());
  decision.set_detail(event.detail());
  decision.set_instance_id(event.instance_id());
  decision.set_desired(event.instances());
  decision.set_current(event.instances());
  decision.set_applied(true);
  decision.set_decided_by(pool_id);
  return decision;
}

}  // namespace so
