// How the pool keeps up what is wanted, and drops what is not.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/pool/cleanup_plan.h"
#include "services/pool/instance_pool.h"

namespace so {
namespace {

namespace pb = serverless::pool::v1;

absl::Duration MillisecondsOr(bool has, int value, absl::Duration otherwise) {
  return has ? absl::Milliseconds(value) : otherwise;
}

// Between two looks for idle instances of one function.
constexpr absl::Duration kMinIdleCheck = absl::Milliseconds(100);
// Evictions of one look at the memory: the next one sees what they have freed.
constexpr int kMaxEvictions = 20;

std::vector<InstanceView> ViewsOf(const FunctionGroup& group) {
  std::vector<InstanceView> views;
  for (const auto& [id, member] : group.members) {
    views.push_back(
        {.id = id,
         .state = member->state(),
         .age = member->instance->age(),
         .idle = member->instance->idle(),
         .leaving = member->retire_when_free || member->being_replaced});
  }
  return views;
}

// Of one that holds.
std::string TargetInWords(const FunctionGroup& group) {
  return absl::StrCat("the scaler wants ", group.target,
                      group.target_reason.empty()
                          ? ""
                          : absl::StrCat(" (", group.target_reason, ")"));
}

}  // namespace

void InstancePool::Cleanup() {
  cleanup_timer_ = deps_.instances.timers.Schedule(options_.cleanup_interval,
                                                   [this] { Cleanup(); });
  if (draining_) return;
  for (auto& [function_id, group] : groups_) {
    CleanupGroup(group);
    EnsureFloor(group);
  }
}

absl::Duration InstancePool::MaxAgeOf(
    const serverless::function::v1::Function* function) const {
  return function == nullptr
             ? options_.max_age
             : MillisecondsOr(function->has_max_age(), function->max_age(),
                              options_.max_age);
}

CleanupLimits InstancePool::LimitsOf(const FunctionGroup& group) const {
  const FunctionPtr function = deps_.directory.Find(group.function_id);
  CleanupLimits limits{.idle_timeout = options_.idle_timeout,
                       .max_age = MaxAgeOf(function.get())};
  if (function == nullptr) return limits;
  limits.floor = group.Floor(function->min_instances(), Now());
  if (function->has_idle_timeout()) {
    limits.idle_timeout = absl::Milliseconds(function->idle_timeout());
  } else if (group.HasTarget(Now()) &&
             group.target_idle_timeout > absl::ZeroDuration()) {
    limits.idle_timeout = group.target_idle_timeout;
  }
  return limits;
}

void InstancePool::CleanupGroup(FunctionGroup& group) {
  if (group.members.empty()) return;
  const CleanupLimits limits = LimitsOf(group);
  const CleanupPlan plan = PlanCleanup(ViewsOf(group), limits);
  for (const std::string& id : plan.expire) {
    Expire(group, *group.members.at(id), limits);
  }
  for (const std::string& id : plan.replace) {
    Replace(group, *group.members.at(id));
  }
}

void InstancePool::CheckIdle(FunctionGroup& group) {
  deps_.instances.timers.Cancel(std::exchange(group.idle_timer, 0));
  if (draining_ || !group.HasTarget(Now()) ||
      group.target_idle_timeout == absl::ZeroDuration()) {
    return;  // Cleanup does.
  }
  const CleanupLimits limits = LimitsOf(group);
  for (const std::string& id : PlanCleanup(ViewsOf(group), limits).expire) {
    Expire(group, *group.members.at(id), limits);
  }
  absl::Duration next = absl::InfiniteDuration();
  for (const auto& [id, member] : group.members) {
    const absl::Duration left = limits.idle_timeout - member->instance->idle();
    // Those that are due and were kept are needed.
    if (member->is(pb::INSTANCE_STATE_WARM) && left >= absl::ZeroDuration()) {
      next = std::min(next, left);
    }
  }
  if (next < absl::InfiniteDuration()) CheckIdleLater(group, next);
}

void InstancePool::CheckIdleLater(FunctionGroup& group, absl::Duration delay) {
  if (group.idle_timer != 0 || !group.HasTarget(Now()) ||
      group.target_idle_timeout == absl::ZeroDuration()) {
    return;
  }
  // Beyond the limit by a little; many that fall due one after the other are
  // looked at together.
  group.idle_timer = deps_.instances.timers.Schedule(
      std::max(delay + absl::Milliseconds(1), kMinIdleCheck),
      [this, id = group.function_id] {
        const auto it = groups_.find(id);
        if (it == groups_.end()) return;
        it->second.idle_timer = 0;
        CheckIdle(it->second);
      });
}

void InstancePool::Expire(FunctionGroup& group, Member& member,
                          const CleanupLimits& limits) {
  log_.Info("instance expired", {{"instance_id", member.instance->id()},
                                 {"function_id", group.function_id}});
  ++group.expired;
  std::string detail = absl::StrCat(
      "idle for ", InWords(member.instance->idle()), ", limit ",
      InWords(limits.idle_timeout), "; ", StayInWords(group.CountLive() - 1));
  if (group.HasTarget(Now())) {
    absl::StrAppend(&detail, ", ", TargetInWords(group));
  }
  Retire(member, {.reason = "idle", .detail = std::move(detail)});
}

void InstancePool::Replace(FunctionGroup& group, Member& old) {
  const FunctionPtr current = deps_.directory.Find(group.function_id);
  std::string age = absl::StrCat(InWords(old.instance->age()), " old, limit ",
                                 InWords(MaxAgeOf(current.get())));
  if (current == nullptr) {
    RetireWhenFree(old, {.reason = "age", .detail = std::move(age)});
    return;
  }
  // Age alone is no reason to let a call wait: without room for both, or while
  // starts fail, the old one stays until it is idle or in somebody's way.
  const FunctionPtr& function =
      IsOutdated(old.instance->function(), *current)
          ? old.instance->function_ptr()  // Still called by its version.
          : current;
  if (Now() < group.retry_at || memory_low_ || !HasRoom(*function)) return;
  old.being_replaced = true;
  old.departure = {.reason = "age", .detail = age};
  Note(old, "replace", "age",
       absl::StrCat(age, "; another one is started in its place"));
  AddMember(
      group, function,
      {.reason = StartReason::kReplacement,
       .detail = absl::StrCat("in place of ", old.instance->id(), ", ", age),
       .replaces = old.instance->id()});
}

void InstancePool::RetireWhenFree(Member& member, Departure why) {
  if (member.is(pb::INSTANCE_STATE_WARM)) {
    Retire(member, why);
  } else if (!std::exchange(member.retire_when_free, true)) {
    member.departure = std::move(why);
  }
}

void InstancePool::EnsureFloor(FunctionGroup& group) {
  const FunctionPtr function = deps_.directory.Find(group.function_id);
  if (function == nullptr || draining_) return;
  const int kept = WarmingAllowed(group)
                       ? group.Floor(function->min_instances(), Now())
                       : function->min_instances();
  const int wanted = std::min(kept, function->max_instances());
  while (Now() >= group.retry_at &&
         group.CountUsable(function->version()) < wanted) {
    if (!HasRoom(*function)) {
      log_.Warn("no room to keep instances warm",
                {{"function_id", group.function_id}, {"wanted", wanted}});
      return;
    }
    const bool floor =
        group.CountUsable(function->version()) < function->min_instances();
    InitBreaker& breaker = group.breakers[function->version()];
    // What somebody wants to have at all times is tried now and then; a target
    // is a guess, and not worth it.
    if (breaker.open() && !(floor && breaker.Allow(Now()))) return;
    AddMember(
        group, function,
        {.reason = floor ? StartReason::kMinInstances : StartReason::kTarget,
         .detail = absl::StrCat(
             floor
                 ? absl::StrCat("min_instances is ", function->min_instances())
                 : TargetInWords(group),
             "; ", group.CountUsable(function->version()), " there before")});
  }
}

bool InstancePool::WarmingAllowed(const FunctionGroup& group) const {
  // What gave way to a call must not come back at once for a guess.
  if (Now() < demand_first_until_ || memory_low_) return false;
  // Windows are no guess: somebody has written them down.
  return group.target_reason == "windows" || group.waste.Allows(Now());
}

bool InstancePool::IsDeploy(
    const serverless::function::v1::Function& function) {
  // Its code comes later, or never.
  if (function.state() == "building" || function.state() == "failed") {
    return false;
  }
  const auto [it, added] =
      known_versions_.try_emplace(function.id(), function.version());
  const bool changed =
      std::exchange(it->second, function.version()) != function.version();
  return synced_ && (added || changed);
}

void InstancePool::WarmDeployed(FunctionGroup& group,
                                const FunctionPtr& function) {
  if (group.CountUsable(function->version()) > 0 ||
      group.CountLive() >= function->max_instances()) {
    return;
  }
  if (memory_low_ || !HasRoom(*function)) {
    log_.Warn(
        "no room to warm what was deployed",
        {{"function_id", group.function_id}, {"version", function->version()}});
    return;
  }
  AddMember(group, function,
            {.reason = StartReason::kWarmUp,
             .detail = absl::StrCat("version ", function->version(),
                                    " was deployed")});
}

void InstancePool::CheckMemory() {
  memory_timer_ = deps_.instances.timers.Schedule(
      options_.memory_check_interval, [this] { CheckMemory(); });
  const std::optional<MemoryReading> reading = deps_.memory->Read();
  const bool low = reading && reading->share() < options_.low_memory;
  if (std::exchange(memory_low_, low) != low) {
    log_.Warn(low ? "memory is short" : "memory is no longer short",
              {{"available_mb", reading ? reading->available : 0}});
  }
  if (low && !draining_) RelieveMemory(*reading);
}

void InstancePool::RelieveMemory(const MemoryReading& reading) {
  std::vector<Evictable> candidates;
  for (const auto& [id, group] : groups_) {
    for (Evictable& spare : SpareInstances(group)) {
      candidates.push_back(std::move(spare));
    }
  }
  double missing = options_.low_memory * static_cast<double>(reading.total) -
                   static_cast<double>(reading.available);
  int evicted = 0;
  for (const Evictable& candidate : EvictionOrder(std::move(candidates))) {
    if (missing <= 0 || ++evicted > kMaxEvictions) return;
    Member& member = *FindMember(candidate.id);
    // The next look tells what it was really worth.
    missing -= std::max(1.0, member.instance->memory());
    Evict(member, "memory",
          absl::StrFormat(
              "%d of %d MB are available, at least %.3g %% should be; idle for "
              "%s",
              reading.available, reading.total, options_.low_memory * 100,
              InWords(member.instance->idle())));
  }
}

void InstancePool::NoteFailure(FunctionGroup& group) {
  const absl::Duration wait = group.backoff.Next();
  group.retry_at = Now() + wait;
  deps_.instances.timers.Cancel(group.retry_timer);
  group.retry_timer =
      deps_.instances.timers.Schedule(wait, [this, id = group.function_id] {
        if (const auto it = groups_.find(id); it != groups_.end()) {
          EnsureFloor(it->second);
        }
      });
}

void InstancePool::OnFunctionChanged(const FunctionPtr& function) {
  if (draining_) return;
  prefetcher_.Add(function);
  const bool warm = IsDeploy(*function) && function->scaling().warm_on_deploy();
  const auto it = groups_.find(function->id());
  if (it == groups_.end() && function->min_instances() == 0 && !warm) return;
  FunctionGroup& group = GroupOf(function->id());
  group.backoff.Reset();
  group.retry_at = absl::InfinitePast();
  // Versions that have changed or are no longer called start afresh.
  group.breakers.clear();
  DropOutdated(group, function);
  EnsureFloor(group);
  if (warm) WarmDeployed(group, function);
  ForgetIfEmpty(function->id());
}

void InstancePool::DropOutdated(FunctionGroup& group,
                                const FunctionPtr& current) {
  for (const auto& [id, member] : group.members) {
    if (!member->live() ||
        !IsOutdated(member->instance->function(), *current)) {
      continue;
    }
    const bool starting = member->is(pb::INSTANCE_STATE_COLD) ||
                          member->is(pb::INSTANCE_STATE_WARMING);
    if (starting && member->requester == 0) {
      member->instance->Abort(
          MakeError("UNAVAILABLE", "the function has changed", "no"));
    } else {
      // One that a router waits for serves the call it was started for.
      RetireWhenFree(*member, {.reason = "version",
                               .detail = absl::StrCat(
                                   "the function has changed; its version is ",
                                   current->version())});
    }
  }
}

void InstancePool::OnFunctionDeleted(const std::string& function_id) {
  if (draining_) return;
  known_versions_.erase(function_id);
  const auto it = groups_.find(function_id);
  if (it == groups_.end()) return;
  FunctionGroup& group = it->second;
  group.target_until = absl::InfinitePast();
  for (const auto& [id, member] : group.members) {
    if (member->is(pb::INSTANCE_STATE_COLD) ||
        member->is(pb::INSTANCE_STATE_WARMING)) {
      member->instance->Abort(
          MakeError("NOT_FOUND", "the function was deleted", "no"));
    } else if (member->live()) {
      RetireWhenFree(
          *member, {.reason = "version", .detail = "the function was deleted"});
    }
  }
  ForgetIfEmpty(function_id);
}

void InstancePool::ForgetIfEmpty(const std::string& function_id) {
  const auto it = groups_.find(function_id);
  if (it == groups_.end() || !it->second.members.empty() ||
      deps_.directory.Find(function_id) != nullptr) {
    return;
  }
  deps_.instances.timers.Cancel(it->second.retry_timer);
  deps_.instances.timers.Cancel(it->second.idle_timer);
  groups_.erase(it);
}

void InstancePool::Drain(absl::Duration timeout,
                         absl::AnyInvocable<void()> done) {
  draining_ = true;
  on_drained_ = std::move(done);
  for (const auto& [router, dispatch, rest] : events_.TakeAll()) {
    Reject(router, dispatch, "draining");
  }
  const Error stopping =
      MakeError("UNAVAILABLE", "the pool is shutting down", "no");
  for (auto& [function_id, group] : groups_) {
    for (const auto& [id, member] : group.members) {
      if (member->is(pb::INSTANCE_STATE_COLD) ||
          member->is(pb::INSTANCE_STATE_WARMING)) {
        member->instance->Abort(stopping);
      } else if (member->live()) {
        RetireWhenFree(*member, {.reason = "drain",
                                 .detail = "the pool is shutting down"});
      }
    }
  }
  drain_timer_ = deps_.instances.timers.Schedule(timeout, [this] {
    for (auto& [function_id, group] : groups_) {
      for (const auto& [id, member] : group.members) {
        if (!member->live()) continue;
        Retire(*member, {.reason = "drain",
                         .detail = "the time for shutting down is over"});
      }
    }
  });
  if (functions_of_.empty()) std::exchange(on_drained_, nullptr)();
}

}  // namespace so
