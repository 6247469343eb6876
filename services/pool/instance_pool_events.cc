// What instances report to the pool.
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/pool/instance_pool.h"

namespace so {
namespace {

namespace pb = serverless::pool::v1;

// Of one that nobody has decided to end.
Departure EndOf(const Member& member, bool by_itself) {
  const int calls = member.instance->invocations();
  return {.action = "end",
          .detail =
              absl::StrCat(by_itself ? "ended by itself" : "killed",
                           member.fault.empty() ? "" : " after ", member.fault,
                           "; ", calls, calls == 1 ? " call in " : " calls in ",
                           InWords(member.instance->age()))};
}

}  // namespace

void InstancePool::OnWarm(Instance& instance) {
  Member& member = MemberOf(instance);
  Account(member);
  StartEnded(member);
  Note(member, "warm", "",
       absl::StrCat("started in ", InWords(instance.start_duration()),
                    ", code loaded in ", InWords(instance.init_duration())));
  log_.Info("instance warm", {{"instance_id", instance.id()},
                              {"function_id", instance.function().id()},
                              {"version", instance.function().version()},
                              {"reason", ReasonName(member.reason)},
                              {"start_ms", instance.start_duration()},
                              {"init_ms", instance.init_duration()}});
  FunctionGroup& group = GroupOf(instance.function().id());
  group.breakers[instance.function().version()].Succeeded();
  const absl::Duration cold_start =
      instance.start_duration() + instance.init_duration();
  group.cold_start += group.cold_start == absl::ZeroDuration()
                          ? cold_start
                          : (cold_start - group.cold_start) / 4;
  CheckIdleLater(group, group.target_idle_timeout);
  deps_.steps.Record(instance.function().runtime(), "init",
                     instance.init_duration());
  Announce(member);
  if (Member* old = FindMember(member.replaces); old != nullptr) {
    RetireWhenFree(*old, old->departure);
  }
  if (const auto call = std::exchange(member.warm_call, nullptr);
      call != nullptr && call->Warmed()) {
    WarmSettled(call);
  }
  PumpStarts();
}

void InstancePool::OnStartFailed(Instance& instance, const Error& error,
                                 std::vector<std::string> logs) {
  Member& member = MemberOf(instance);
  FunctionGroup& group = GroupOf(instance.function().id());
  ++group.failed_starts;
  if (member.announced) StartEnded(member);  // Else it never got that far.
  Depart(member, {.action = "start-failed",
                  .detail = absl::StrCat(error.code(), ": ", error.message())});
  if (IsInitFailure(error)) {
    group.breakers[instance.function().version()].Failed(error, Now());
  }
  log_.Warn("instance failed to start",
            {{"instance_id", instance.id()},
             {"function_id", instance.function().id()},
             {"version", instance.function().version()},
             {"code", error.code()}});
  if (member.requester != 0) {
    pb::AttachResponse message;
    pb::StartFailed& failed = *message.mutable_start_failed();
    failed.set_start_id(member.start_id);
    failed.set_function_id(instance.function().id());
    failed.set_version(instance.function().version());
    *failed.mutable_error() = error;
    for (std::string& line : logs) failed.add_logs(std::move(line));
    SendTo(member.requester, std::move(message));
  }
  if (Member* old = FindMember(member.replaces); old != nullptr) {
    old->being_replaced = false;
  }
  if (const auto call = std::exchange(member.warm_call, nullptr);
      call != nullptr && call->Failed(error)) {
    WarmSettled(call);
  }
}

void InstancePool::OnStarted(Instance& instance, const RunningCall& call) {
  pb::AttachResponse message;
  message.mutable_started()->set_request_id(call.request_id);
  message.mutable_started()->set_dispatch_id(call.dispatch_id);
  message.mutable_started()->set_instance_id(instance.id());
  SendTo(call.router, std::move(message));
}

void InstancePool::OnPart(Instance&, const RunningCall& call,
                          pb::ResponsePart part) {
  pb::AttachResponse message;
  *message.mutable_part() = std::move(part);
  SendTo(call.router, std::move(message));
}

void InstancePool::OnResult(Instance& instance, const RunningCall& call,
                            pb::Result result) {
  Member& member = MemberOf(instance);
  Account(member);
  if (result.has_error() && !result.instance_free()) {
    member.fault = result.error().code();
  }
  const bool retire =
      result.instance_free() &&
      (member.retire_when_free || instance.function().reuse() == "never");
  if (retire) result.set_instance_free(false);
  if (result.has_error()) {
    log_.Info("invocation failed", {{"instance_id", instance.id()},
                                    {"function_id", instance.function().id()},
                                    {"request_id", call.request_id},
                                    {"code", result.error().code()}});
  } else {
    GroupOf(instance.function().id()).backoff.Reset();
  }
  if (routers_.contains(call.router)) {
    results_.Add(call.router, std::move(result));
  }
  if (!member.is(pb::INSTANCE_STATE_WARM)) return;
  if (retire && instance.function().reuse() == "never") {
    Depart(member, {.reason = "used", .detail = "it is for one call only"});
    instance.Abort(Error());  // Nothing in it is worth a farewell.
  } else if (retire) {
    Retire(member, member.departure);
  } else {
    FunctionGroup& group = GroupOf(instance.function().id());
    CheckIdleLater(group, group.target_idle_timeout);
    // The Result has told the router that sent the call.
    Announce(member, call.router);
  }
}

void InstancePool::OnRejected(Instance& instance, const RunningCall& call,
                              absl::string_view reason) {
  pb::AttachResponse message;
  message.mutable_rejected()->set_request_id(call.request_id);
  message.mutable_rejected()->set_dispatch_id(call.dispatch_id);
  message.mutable_rejected()->set_instance_id(instance.id());
  message.mutable_rejected()->set_reason(std::string(reason));
  SendTo(call.router, std::move(message));
}

void InstancePool::OnTerminating(Instance& instance, bool by_itself) {
  Member& member = MemberOf(instance);
  Account(member);
  Depart(member, EndOf(member, by_itself));
  log_.Info("instance terminating", {{"instance_id", instance.id()},
                                     {"function_id", instance.function().id()},
                                     {"invocations", instance.invocations()},
                                     {"age_ms", instance.age()}});
  for (const auto& [router, dispatch, rest] : events_.TakeFor(instance.id())) {
    Reject(router, dispatch, "died-before-start");
  }
  results_.InstanceEnds(instance.id());
  if (member.announced) Announce(member);
  FunctionGroup& group = GroupOf(instance.function().id());
  if (by_itself && instance.invocations() == 0) NoteFailure(group);
  NoteUse(group, member);
  // Another one may be wanted; not now, since the caller may be walking the
  // group.
  deps_.executor.Post([this, id = group.function_id] {
    if (const auto it = groups_.find(id); it != groups_.end()) {
      EnsureFloor(it->second);
    }
  });
}

void InstancePool::NoteUse(FunctionGroup& group, const Member& member) {
  const bool guessed = member.reason == StartReason::kTarget ||
                       member.reason == StartReason::kWarmUp;
  const bool used = member.instance->invocations() > 0;
  // What ends for another reason has not had its chance.
  const bool wasted = !used && (member.departed_because == "idle" ||
                                member.departed_because == "room" ||
                                member.departed_because == "memory");
  if (!guessed || !(used || wasted)) return;
  const absl::Duration pause = group.waste.Ended(used, Now());
  if (pause > absl::ZeroDuration()) {
    log_.Warn("instances started ahead of calls are not used",
              {{"function_id", group.function_id},
               {"none_more_for_s", absl::ToDoubleSeconds(pause)}});
  }
}

void InstancePool::OnGone(Instance& instance) {
  const std::string id = instance.id();
  const std::string function_id = instance.function().id();
  log_.Debug("instance gone", {{"instance_id", id}});
  functions_of_.erase(id);
  FunctionGroup& group = GroupOf(function_id);
  group.members.erase(id);  // Destroys the instance.
  EnsureFloor(group);
  ForgetIfEmpty(function_id);
  PumpStarts();
  if (on_drained_ && functions_of_.empty()) {
    auto done = std::exchange(on_drained_, nullptr);
    done();
  }
}

}  // namespace so
