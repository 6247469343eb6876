// What the node reports about its instances and the calls on them.
#include <algorithm>
#include <iterator>
#include <utility>

#include "services/router/dispatcher.h"
#include "services/router/router_errors.h"

namespace so {

using serverless::pool::v1::EventCredit;
using serverless::pool::v1::EventPart;
using serverless::pool::v1::InstanceUpdate;
using serverless::pool::v1::PoolHello;
using serverless::pool::v1::Rejected;
using serverless::pool::v1::ResponsePart;
using serverless::pool::v1::Result;
using serverless::pool::v1::Started;
using serverless::pool::v1::StartFailed;

namespace {

// How much of a result is worth a message that gives credit: half of what may
// be under way, so that it does not come to a stop.
constexpr int32_t kGrantBytes = 128 << 10;

// What has become of a call, its body put together if it came in parts.
Receipt TakeReceipt(Invocation& invocation, Result result) {
  if (!result.body_in_parts()) {
    return ResultReceipt(invocation, std::move(result));
  }
  if (invocation.body.size() != invocation.body_bytes ||
      invocation.body.empty()) {
    // A pool never does that; half an answer is none.
    return ErrorReceipt(invocation, InstanceLost(invocation.function->name()),
                        result.logs());
  }
  result.set_body(std::move(invocation.body));
  return ResultReceipt(invocation, std::move(result));
}

}  // namespace

void Dispatcher::OnConnected(const PoolHello& hello) {
  log_.Info("pool connected", {{"pool_id", hello.pool_id()}});
  Effects effects;
  {
    MutexLock lock(mu_);
    connected_ = true;
    node_memory_ = hello.memory_budget();
    node_instances_ = hello.max_instances();
    for (auto& [key, queue] : queues_) Advance(key, queue, effects);
  }
  Apply(std::move(effects));
}

void Dispatcher::OnDisconnected() {
  Effects effects;
  {
    MutexLock lock(mu_);
    connected_ = false;
    for (auto& [id, invocation] : std::exchange(running_, {})) {
      timers_.Cancel(invocation->timer);
      End(effects, invocation,
          ErrorReceipt(*invocation, InstanceLost(invocation->function->name()),
                       {}));
    }
    instances_.clear();
    idle_.SignalAll();
    for (auto it = queues_.begin(); it != queues_.end();) {
      FunctionQueue& queue = it->second;
      queue.idle.clear();
      queue.pending_starts.clear();
      queue.warming = 0;
      queue.live = 0;
      queue.running = 0;
      queue.contends = false;
      it = queue.waiting.empty() ? queues_.erase(it) : std::next(it);
    }
  }
  log_.Warn("pool disconnected", {{"calls_lost", effects.finished.size()}});
  Apply(std::move(effects));
}

void Dispatcher::OnInstance(const InstanceUpdate& update) {
  Effects effects;
  {
    MutexLock lock(mu_);
    const QueueKey key{update.function_id(), update.version()};
    const auto known = instances_.find(update.instance_id());
    switch (update.state()) {
      case serverless::pool::v1::INSTANCE_STATE_WARMING: {
        FunctionQueue& queue = queues_[key];
        queue.NoteHolding(clock_.Now());
        const bool granted = queue.pending_starts.erase(update.start_id()) > 0;
        if (known != instances_.end()) break;
        instances_[update.instance_id()].key = key;
        queue.instance_memory = update.memory();
        ++queue.warming;
        // There was room: perhaps for the next one too.
        if (granted && queue.contends) OfferRoom(effects);
        break;
      }
      case serverless::pool::v1::INSTANCE_STATE_WARM: {
        FunctionQueue& queue = queues_[key];
        queue.NoteHolding(clock_.Now());
        const bool granted = queue.pending_starts.erase(update.start_id()) > 0;
        if (known != instances_.end() && known->second.warm) {
          if (!std::exchange(known->second.leaving, false)) break;
          // Another router had all of it, and no longer has.
          AddIdle(update.instance_id());
          Advance(key, queue, effects);
          break;
        }
        if (known != instances_.end()) --queue.warming;
        InstanceRecord& instance = instances_[update.instance_id()];
        instance.key = key;
        instance.warm = true;
        instance.warm_at = clock_.Now();
        instance.start_ms = update.start_ms();
        instance.init_ms = update.init_ms();
        instance.concurrency = std::max(1, update.concurrency());
        queue.instance_memory = update.memory();
        ++queue.live;
        AddIdle(update.instance_id());
        queue.start_error = absl::OkStatus();
        queue.start_pause = absl::ZeroDuration();
        Advance(key, queue, effects);
        if (granted && queue.contends) OfferRoom(effects);
        break;
      }
      case serverless::pool::v1::INSTANCE_STATE_TERMINATING: {
        // A busy one is forgotten with its last result.
        if (known == instances_.end() || known->second.running > 0) break;
        ForgetInstance(update.instance_id());
        OfferRoom(effects);
        if (const auto it = queues_.find(key); it != queues_.end()) {
          Advance(key, it->second, effects);
          EraseIfUnused(key);
        }
        break;
      }
      default:
        break;
    }
  }
  Apply(std::move(effects));
}

void Dispatcher::OnStartFailed(const StartFailed& failure) {
  Effects effects;
  {
    MutexLock lock(mu_);
    const QueueKey key{failure.function_id(), failure.version()};
    const auto it = queues_.find(key);
    if (it == queues_.end()) return;
    FunctionQueue& queue = it->second;
    // One that was announced as warming counts until its TERMINATING, which
    // follows.
    queue.pending_starts.erase(failure.start_id());
    const std::string& code = failure.error().code();
    if (code == "NOT_FOUND") {
      if (!queue.waiting.empty()) {
        EndQueued(queue, FunctionDeleted(queue.function->name()), effects);
      }
    } else if (failure.node_full()) {
      queue.start_error =
          ErrorStatus(absl::StatusCode::kUnavailable, failure.error());
      Contend(queue);
    } else if (code == "NO_CAPACITY" || code == "UNAVAILABLE") {
      PauseStarts(key, queue,
                  ErrorStatus(absl::StatusCode::kUnavailable, failure.error()));
    } else if (queue.live == 0 && !queue.waiting.empty()) {
      // The code cannot be loaded: one call learns of each start that failed.
      const InvocationPtr invocation = std::move(queue.waiting.front());
      queue.waiting.pop_front();
      timers_.Cancel(invocation->timer);
      invocation->cold = {.cold = true};
      End(effects, invocation,
          ErrorReceipt(*invocation, failure.error(), failure.logs()));
    }
    AskForStarts(key, queue, effects);
    EraseIfUnused(key);
    if (failure.node_full()) ShareNode(effects);
  }
  Apply(std::move(effects));
}

void Dispatcher::OnStarted(const Started& started) {
  MutexLock lock(mu_);
  const auto it = running_.find(started.dispatch_id());
  if (it != running_.end()) it->second->started = true;
}

void Dispatcher::OnPart(ResponsePart part) {
  InvocationPtr invocation;
  {
    MutexLock lock(mu_);
    const auto it = running_.find(part.dispatch_id());
    if (it == running_.end()) return;
    invocation = it->second;
    // User code has spoken, whether or not Started has come.
    invocation->started = true;
  }
  if (part.body_bytes() > 0) {
    CollectBody(*invocation, part);
  } else if (invocation->on_part != nullptr) {
    invocation->on_part(std::move(part));
  }
}

void Dispatcher::CollectBody(Invocation& invocation, const ResponsePart& part) {
  const size_t announced = part.body_bytes();
  std::string& body = invocation.body;
  // More than was announced is as good as too little: OnResult tells.
  if (announced > kMaxEventBytes || body.size() >= announced) return;
  body.reserve(announced);
  body.append(part.data());
  invocation.body_bytes = announced;
  invocation.ungranted += static_cast<int32_t>(part.data().size());
  if (invocation.ungranted < kGrantBytes || body.size() >= announced) return;
  serverless::pool::v1::Credit credit;
  credit.set_dispatch_id(part.dispatch_id());
  credit.set_instance_id(part.instance_id());
  credit.set_bytes(std::exchange(invocation.ungranted, 0));
  link_.Grant(std::move(credit));
}

void Dispatcher::OnEventCredit(const EventCredit& credit) {
  InvocationPtr invocation;
  size_t begin = 0;
  size_t end = 0;
  {
    MutexLock lock(mu_);
    const auto it = running_.find(credit.dispatch_id());
    if (it == running_.end() || credit.bytes() <= 0) return;
    invocation = it->second;
    if (!invocation->in_parts()) return;
    begin = invocation->event_sent;
    end = std::min(begin + credit.bytes(), invocation->event.size());
    invocation->event_sent = end;
  }
  // Only this thread sends parts, so they leave in order.
  while (begin < end) {
    const size_t bytes = std::min(end - begin, kMaxPieceBytes);
    EventPart part;
    part.set_dispatch_id(credit.dispatch_id());
    part.set_data(invocation->event.data() + begin, bytes);
    begin += bytes;
    link_.SendEvent(std::move(part));
  }
}

InvocationPtr Dispatcher::TakeRunning(uint64_t dispatch_id, bool free) {
  const auto it = running_.find(dispatch_id);
  if (it == running_.end()) return nullptr;
  const InvocationPtr invocation = std::move(it->second);
  running_.erase(it);
  if (running_.empty()) idle_.SignalAll();
  timers_.Cancel(invocation->timer);
  InstanceRecord& instance = instances_[invocation->instance_id];
  FunctionQueue& queue = queues_[instance.key];
  --instance.running;
  --queue.running;
  if (free && !instance.leaving) {
    queue.idle.push_back(invocation->instance_id);
    return invocation;
  }
  instance.leaving = true;
  queue.RemoveIdle(invocation->instance_id);
  if (instance.running == 0) ForgetInstance(invocation->instance_id);
  return invocation;
}

void Dispatcher::AddIdle(const std::string& instance_id) {
  const InstanceRecord& instance = instances_[instance_id];
  auto& idle = queues_[instance.key].idle;
  // Below those in use: one started ahead of demand must not take their calls
  // and let them expire.
  idle.insert(idle.begin(), instance.concurrency - instance.running,
              instance_id);
}

absl::Status Dispatcher::RetryError(const Invocation& invocation) {
  const std::string& name = invocation.function->name();
  if (invocation.abandoned) return ClientGone();
  if (draining_) return Draining();
  if (invocation.attempts >= options_.max_attempts) {
    return NeverStarted(name, invocation.attempts);
  }
  return retries_.Spend() ? absl::OkStatus() : RetriesSpent(name);
}

void Dispatcher::OnRejected(const Rejected& rejected) {
  Effects effects;
  {
    MutexLock lock(mu_);
    const InvocationPtr invocation =
        TakeRunning(rejected.dispatch_id(), /*free=*/false);
    if (invocation == nullptr) return;
    const QueueKey key = KeyOf(*invocation);
    FunctionQueue& queue = queues_[key];
    log_.Debug("dispatch rejected", {{"request_id", invocation->request_id},
                                     {"instance_id", rejected.instance_id()},
                                     {"reason", rejected.reason()}});
    if (invocation->started) {
      // A pool never refuses what it has begun; should one do so, running the
      // call again could run it twice.
      End(effects, invocation,
          ErrorReceipt(*invocation, InstanceLost(invocation->function->name()),
                       {}));
    } else if (absl::Status error = RetryError(*invocation); !error.ok()) {
      End(effects, invocation, std::move(error));
    } else {
      // User code has not seen it: it goes back to where it was.
      invocation->instance_id.clear();
      invocation->cold = {};
      const absl::Time deadline =
          std::min(invocation->enqueued + options_.queue_wait,
                   invocation->client_deadline);
      invocation->timer =
          timers_.Schedule(deadline - clock_.Now(),
                           [this, invocation] { OnQueueTimer(invocation); });
      queue.waiting.push_front(invocation);
    }
    Advance(key, queue, effects);
    EraseIfUnused(key);
  }
  Apply(std::move(effects));
}

void Dispatcher::OnResult(Result result) {
  Effects effects;
  {
    MutexLock lock(mu_);
    const bool free = result.instance_free();
    const InvocationPtr invocation = TakeRunning(result.dispatch_id(), free);
    if (invocation == nullptr) return;
    const QueueKey key = KeyOf(*invocation);
    queues_[key].drained.Record(clock_.Now());
    End(effects, invocation, TakeReceipt(*invocation, std::move(result)));
    if (!free) {
      OfferRoom(effects);
    } else if (OthersContend(key.first)) {
      ShareNode(effects);
    }
    // Another one than before when its last instance has given way.
    Advance(key, queues_[key], effects);
    EraseIfUnused(key);
  }
  Apply(std::move(effects));
}

}  // namespace so
