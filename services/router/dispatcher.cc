#include "services/router/dispatcher.h"

#include <algorithm>

#include "base/ids.h"
#include "services/router/router_errors.h"

namespace so {

using serverless::pool::v1::Dispatch;
using serverless::pool::v1::StartInstance;

namespace {

// How long past its timeout a dispatched call may go without a word from the
// pool, which enforces the timeout itself.
constexpr absl::Duration kSilenceGrace = absl::Seconds(5);
constexpr absl::Duration kFirstStartPause = absl::Milliseconds(100);
constexpr absl::Duration kLongestStartPause = absl::Seconds(1);

absl::Duration TimeoutOf(const Invocation& invocation, absl::Time now) {
  return std::min(absl::Milliseconds(invocation.function->timeout()),
                  invocation.client_deadline - now);
}

}  // namespace

Dispatcher::Dispatcher(Options options, const Clock& clock, Timers& timers,
                       NodeLink& link, Logger log)
    : options_(options),
      clock_(clock),
      timers_(timers),
      link_(link),
      log_(std::move(log)),
      retries_(options.retry_budget) {}

int Dispatcher::Submit(InvocationPtr invocation) {
  Effects effects;
  int depth = 0;
  {
    MutexLock lock(mu_);
    const QueueKey key = KeyOf(*invocation);
    FunctionQueue& queue = queues_[key];
    queue.function = invocation->function;
    if (draining_) {
      effects.finished.emplace_back(std::move(invocation), Draining());
    } else if (invocation->client_deadline <= clock_.Now()) {
      effects.finished.emplace_back(std::move(invocation),
                                    TimeSpent(queue.function->name()));
    } else if (queue.idle.empty() &&
               static_cast<int>(queue.waiting.size()) >= options_.queue_depth) {
      const std::string& name = queue.function->name();
      effects.finished.emplace_back(
          std::move(invocation), QueueFull(name, options_.queue_depth,
                                           queue.DrainEstimate(clock_.Now())));
    } else {
      FunctionMeter& meter = meters_[key.first];
      meter.calls.Begin(clock_.Now());
      if (meter.name.empty()) meter.name = queue.function->name();
      Enqueue(queue, std::move(invocation));
      Advance(key, queue, effects);
    }
    depth = static_cast<int>(queue.waiting.size());
    EraseIfUnused(key);
  }
  Apply(std::move(effects));
  return depth;
}

void Dispatcher::Enqueue(FunctionQueue& queue, InvocationPtr invocation) {
  // Only a call that will wait needs a timer.
  if (queue.idle.empty() || !queue.waiting.empty()) {
    const absl::Duration wait = std::min(
        options_.queue_wait, invocation->client_deadline - clock_.Now());
    invocation->timer = timers_.Schedule(
        wait, [this, invocation] { OnQueueTimer(invocation); });
  }
  queue.waiting.push_back(std::move(invocation));
}

void Dispatcher::Advance(const QueueKey& key, FunctionQueue& queue,
                         Effects& effects) {
  while (!queue.waiting.empty() && !queue.idle.empty()) {
    if (queue.waiting.front()->client_deadline <= clock_.Now()) {
      DropHead(queue, effects);
    } else {
      DispatchHead(queue, effects);
    }
  }
  AskForStarts(key, queue, effects);
}

void Dispatcher::DropHead(FunctionQueue& queue, Effects& effects) {
  InvocationPtr invocation = std::move(queue.waiting.front());
  queue.waiting.pop_front();
  timers_.Cancel(invocation->timer);
  const absl::Status error = WaitError(queue, *invocation);
  End(effects, std::move(invocation), error);
}

void Dispatcher::DispatchHead(FunctionQueue& queue, Effects& effects) {
  const InvocationPtr invocation = std::move(queue.waiting.front());
  queue.waiting.pop_front();
  const std::string instance_id = std::move(queue.idle.back());
  queue.idle.pop_back();
  timers_.Cancel(invocation->timer);

  const absl::Time now = clock_.Now();
  InstanceRecord& instance = instances_[instance_id];
  invocation->cold = {
      .cold = !instance.used && invocation->enqueued < instance.warm_at,
      .start_ms = instance.start_ms,
      .init_ms = instance.init_ms};
  instance.used = true;
  ++instance.running;
  ++queue.running;
  if (invocation->attempts++ == 0) retries_.Earn();
  invocation->instance_id = instance_id;
  invocation->dispatch_id = ++last_dispatch_;
  invocation->dispatched = now;
  invocation->started = false;
  running_[invocation->dispatch_id] = invocation;
  const absl::Duration timeout = TimeoutOf(*invocation, now);
  invocation->timer = timers_.Schedule(
      timeout + kSilenceGrace, [this, dispatch_id = invocation->dispatch_id] {
        OnSilenceTimer(dispatch_id);
      });

  Dispatch& dispatch = effects.dispatches.emplace_back();
  dispatch.set_dispatch_id(invocation->dispatch_id);
  dispatch.set_request_id(invocation->request_id);
  dispatch.set_instance_id(instance_id);
  invocation->event_sent = 0;
  if (invocation->in_parts()) {
    // It follows as the pool asks for it.
    dispatch.set_event_bytes(static_cast<int32_t>(invocation->event.size()));
  } else {
    dispatch.set_event(invocation->event);
  }
  dispatch.set_timeout(static_cast<int32_t>(
      std::max<int64_t>(1, absl::ToInt64Milliseconds(timeout))));
  dispatch.set_stream(invocation->on_part != nullptr);
}

void Dispatcher::End(Effects& effects, InvocationPtr invocation,
                     absl::StatusOr<Receipt> outcome) {
  const auto meter = meters_.find(invocation->function->id());
  meter->second.calls.End(clock_.Now());
  if (meter->second.deleted && meter->second.calls.calls() == 0) {
    meters_.erase(meter);
  }
  effects.finished.emplace_back(std::move(invocation), std::move(outcome));
}

void Dispatcher::AskForStarts(const QueueKey& key, FunctionQueue& queue,
                              Effects& effects) {
  if (!connected_ || clock_.Now() < queue.starts_paused_until) return;
  int wanted = queue.StartsWanted();
  if (wanted == 0) queue.contends = false;
  if (queue.contends) return;
  for (; wanted > 0; --wanted) AskForStart(key, queue, "", effects);
}

void Dispatcher::AskForStart(const QueueKey& key, FunctionQueue& queue,
                             const std::string& in_place_of, Effects& effects) {
  queue.NoteHolding(clock_.Now());
  StartInstance& start = effects.starts.emplace_back();
  start.set_start_id(RandomToken(12));
  start.set_function_id(key.first);
  start.set_version(key.second);
  start.set_in_place_of(in_place_of);
  queue.pending_starts.insert(start.start_id());
}

void Dispatcher::PauseStarts(const QueueKey& key, FunctionQueue& queue,
                             absl::Status error) {
  queue.start_error = std::move(error);
  queue.start_pause =
      std::clamp(queue.start_pause * 2, kFirstStartPause, kLongestStartPause);
  queue.starts_paused_until = clock_.Now() + queue.start_pause;
  if (queue.start_retry_scheduled) return;
  queue.start_retry_scheduled = true;
  timers_.Schedule(queue.start_pause, [this, key] { ResumeStarts(key); });
}

void Dispatcher::ResumeStarts(const QueueKey& key) {
  Effects effects;
  {
    MutexLock lock(mu_);
    const auto it = queues_.find(key);
    if (it == queues_.end()) return;
    it->second.start_retry_scheduled = false;
    it->second.starts_paused_until = absl::InfinitePast();
    AskForStarts(key, it->second, effects);
  }
  Apply(std::move(effects));
}

void Dispatcher::Apply(Effects effects) {
  for (StartInstance& start : effects.starts) link_.Start(std::move(start));
  for (Dispatch& dispatch : effects.dispatches) {
    link_.Dispatch(std::move(dispatch));
  }
  for (auto& cancel : effects.cancels) link_.Cancel(std::move(cancel));
  for (auto& [invocation, outcome] : effects.finished) {
    invocation->done(std::move(outcome));
  }
}

void Dispatcher::Cancel(const InvocationPtr& invocation) {
  Effects effects;
  {
    MutexLock lock(mu_);
    invocation->abandoned = true;
    const QueueKey key = KeyOf(*invocation);
    const auto queue = queues_.find(key);
    if (queue == queues_.end()) return;
    auto& waiting = queue->second.waiting;
    if (const auto position =
            std::find(waiting.begin(), waiting.end(), invocation);
        position != waiting.end()) {
      waiting.erase(position);
      timers_.Cancel(invocation->timer);
      End(effects, invocation, ClientGone());
      EraseIfUnused(key);
    } else if (invocation->function->cancel_on_disconnect() &&
               running_.contains(invocation->dispatch_id)) {
      auto& cancel = effects.cancels.emplace_back();
      cancel.set_dispatch_id(invocation->dispatch_id);
      cancel.set_instance_id(invocation->instance_id);
    }
  }
  Apply(std::move(effects));
}

void Dispatcher::OnQueueTimer(const InvocationPtr& invocation) {
  Effects effects;
  {
    MutexLock lock(mu_);
    const QueueKey key = KeyOf(*invocation);
    const auto it = queues_.find(key);
    if (it == queues_.end()) return;
    auto& waiting = it->second.waiting;
    const auto position = std::find(waiting.begin(), waiting.end(), invocation);
    if (position == waiting.end()) return;  // Dispatched in the meantime.
    waiting.erase(position);
    End(effects, invocation, WaitError(it->second, *invocation));
    EraseIfUnused(key);
  }
  Apply(std::move(effects));
}

absl::Status Dispatcher::WaitError(const FunctionQueue& queue,
                                   const Invocation& invocation) const {
  const absl::Duration waited = clock_.Now() - invocation.enqueued;
  const std::string& name = invocation.function->name();
  if (!connected_) return NoPool();
  if (queue.live > 0 || queue.start_error.ok()) {
    return QueueTimeout(name, waited);
  }
  if (ErrorFromStatus(queue.start_error).code() == "NO_CAPACITY") {
    return NoCapacity(name, waited, queue.DrainEstimate(clock_.Now()));
  }
  return queue.start_error;
}

void Dispatcher::OnSilenceTimer(uint64_t dispatch_id) {
  Effects effects;
  {
    MutexLock lock(mu_);
    const InvocationPtr invocation = TakeRunning(dispatch_id, /*free=*/false);
    if (invocation == nullptr) return;
    if (invocation->in_parts() &&
        invocation->event_sent < invocation->event.size()) {
      // The rest will not come: the pool need not wait for it.
      auto& cancel = effects.cancels.emplace_back();
      cancel.set_dispatch_id(dispatch_id);
      cancel.set_instance_id(invocation->instance_id);
    }
    End(effects, invocation,
        ErrorReceipt(*invocation,
                     PoolSilent(invocation->function->name(),
                                clock_.Now() - invocation->dispatched),
                     {}));
    const QueueKey key = KeyOf(*invocation);
    Advance(key, queues_[key], effects);
    EraseIfUnused(key);
  }
  Apply(std::move(effects));
}

void Dispatcher::ForgetFunction(absl::string_view function_id) {
  Effects effects;
  {
    MutexLock lock(mu_);
    for (auto& [key, queue] : queues_) {
      if (key.first != function_id || queue.waiting.empty()) continue;
      EndQueued(queue, FunctionDeleted(queue.function->name()), effects);
    }
    if (const auto meter = meters_.find(function_id); meter != meters_.end()) {
      meter->second.deleted = true;
      if (meter->second.calls.calls() == 0) meters_.erase(meter);
    }
  }
  Apply(std::move(effects));
}

void Dispatcher::EndQueued(FunctionQueue& queue, const absl::Status& status,
                           Effects& effects) {
  for (InvocationPtr& invocation : queue.waiting) {
    timers_.Cancel(invocation->timer);
    End(effects, std::move(invocation), status);
  }
  queue.waiting.clear();
}

std::map<std::string, Dispatcher::Load> Dispatcher::Loads() const {
  MutexLock lock(mu_);
  std::map<std::string, Load> loads;
  for (const auto& [key, queue] : queues_) {
    Load& load = loads[key.first];
    load.queue_depth += static_cast<int>(queue.waiting.size());
    load.in_flight += queue.running;
    load.starting += queue.starting();
    for (const InvocationPtr& invocation : queue.waiting) {
      load.bytes += static_cast<int64_t>(invocation->event.size());
    }
  }
  const absl::Time now = clock_.Now();
  for (const auto& [id, meter] : meters_) {
    if (meter.deleted) continue;
    Load& load = loads[id];
    load.function_name = meter.name;
    load.call_time = meter.calls.CallTime(now);
    load.peak = meter.calls.Peak(now);
  }
  for (const auto& [id, invocation] : running_) {
    loads[invocation->function->id()].bytes +=
        static_cast<int64_t>(invocation->event.size());
  }
  return loads;
}

void Dispatcher::Drain(absl::Duration timeout) {
  Effects effects;
  {
    MutexLock lock(mu_);
    draining_ = true;
    for (auto& [key, queue] : queues_) EndQueued(queue, Draining(), effects);
  }
  Apply(std::move(effects));
  const absl::Time deadline = clock_.Now() + timeout;
  MutexLock lock(mu_);
  while (!running_.empty()) {
    const absl::Duration left = deadline - clock_.Now();
    if (left <= absl::ZeroDuration()) return;
    idle_.WaitFor(mu_, left);
  }
}

void Dispatcher::ForgetInstance(const std::string& instance_id) {
  const auto it = instances_.find(instance_id);
  if (it == instances_.end()) return;
  if (const auto queue = queues_.find(it->second.key); queue != queues_.end()) {
    queue->second.RemoveIdle(instance_id);
    --(it->second.warm ? queue->second.live : queue->second.warming);
    if (queue->second.live == 0) queue->second.released = clock_.Now();
  }
  instances_.erase(it);
}

void Dispatcher::EraseIfUnused(const QueueKey& key) {
  const auto it = queues_.find(key);
  if (it != queues_.end() && it->second.unused() &&
      !it->second.start_retry_scheduled) {
    queues_.erase(it);
  }
}

}  // namespace so
