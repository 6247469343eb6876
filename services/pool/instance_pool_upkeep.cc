// How the pool keeps up what is wanted, and drops what is not.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/pool/cleanup_plan.h"
#include "services/pool/instance_pool.h"

namespace so {
namespace {

namespace pb = serverless::pool::v1;

absl::Duration MillisecondsOr(bool has, int value, absl::Duration otherwise) {
  return has ? absl::Milliseconds(value) : otherwise;
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

void InstancePool::CleanupGroup(FunctionGroup& group) {
  if (group.members.empty()) return;
  const FunctionPtr function = deps_.directory.Find(group.function_id);
  CleanupLimits limits{.idle_timeout = options_.idle_timeout,
                       .max_age = options_.max_age};
  if (function != nullptr) {
    limits.floor = group.Floor(function->min_instances(), Now());
    limits.idle_timeout =
        MillisecondsOr(function->has_idle_timeout(), function->idle_timeout(),
                       options_.idle_timeout);
    limits.max_age = MaxAgeOf(function.get());
  }
  std::vector<InstanceView> views;
  for (const auto& [id, member] : group.members) {
    views.push_back(
        {.id = id,
         .state = member->state(),
         .age = member->instance->age(),
         .idle = member->instance->idle(),
         .leaving = member->retire_when_free || member->being_replaced});
  }
  const CleanupPlan plan = PlanCleanup(std::move(views), limits);
  for (const std::string& id : plan.expire) {
    Expire(group, *group.members.at(id), limits);
  }
  for (const std::string& id : plan.replace) {
    Replace(group, *group.members.at(id));
  }
}

void InstancePool::Expire(FunctionGroup& group, Member& member,
                          const CleanupLimits& limits) {
  log_.Info("instance expired", {{"instance_id", member.instance->id()},
                                 {"function_id", group.function_id}});
  ++group.expired;
  std::string detail = absl::StrCat(
      "idle for ", InWords(member.instance->idle()), ", limit ",
      InWords(limits.idle_timeout), "; ", StayInWords(group.CountLive() - 1));
  if (Now() < group.target_until) {
    absl::StrAppend(&detail, ", ", TargetInWords(group));
  }
  Retire(member, {.reason = "idle", .detail = std::move(detail)});
}

void InstancePool::Replace(FunctionGroup& group, Member& old) {
  const FunctionPtr current = deps_.directory.Find(group.function_id);
  std::string age = absl::StrCat(InWords(old.instance->age()), " old, limit ",
                                 InWords(MaxAgeOf(current.get())));
  // Old versions are not renewed: who still calls one gets a new instance on
  // demand. A full node cannot hold both.
  if (current == nullptr ||
      current->version() != old.instance->function().version() ||
      !HasRoom(*current)) {
    RetireWhenFree(old, {.reason = "age", .detail = std::move(age)});
    return;
  }
  if (Now() < group.retry_at) return;
  old.being_replaced = true;
  old.departure = {.reason = "age", .detail = age};
  Note(old, "replace", "age",
       absl::StrCat(age, "; another one is started in its place"));
  AddMember(
      group, current,
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
  // What gave way to a call must not come back at once for a guess.
  const int kept = Now() < demand_first_until_
                       ? function->min_instances()
                       : group.Floor(function->min_instances(), Now());
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
  const auto it = groups_.find(function->id());
  if (it == groups_.end() && function->min_instances() == 0) return;
  FunctionGroup& group = GroupOf(function->id());
  group.backoff.Reset();
  group.retry_at = absl::InfinitePast();
  // Versions that have changed or are no longer called start afresh.
  group.breakers.clear();
  DropOutdated(group, function);
  EnsureFloor(group);
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
