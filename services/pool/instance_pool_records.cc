// What the pool remembers of its decisions and of what instances cost.
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/pool/instance_pool.h"

namespace so {

namespace pb = serverless::pool::v1;

void InstancePool::Note(const Member& member, absl::string_view action,
                        absl::string_view reason, std::string detail) {
  const Instance& instance = *member.instance;
  const FunctionGroup& group = groups_.at(instance.function().id());
  // One that goes is counted as gone: it may be noted before it ends.
  const bool leaves = action == "retire" || action == "evict" ||
                      action == "end" || action == "start-failed";
  pb::PoolEvent event;
  event.set_function_id(group.function_id);
  event.set_version(instance.function().version());
  event.set_instance_id(instance.id());
  event.set_action(std::string(action));
  event.set_reason(std::string(reason));
  event.set_detail(std::move(detail));
  event.set_idle(absl::ToDoubleMilliseconds(instance.idle()));
  event.set_age(absl::ToDoubleMilliseconds(instance.age()));
  event.set_memory(member.memory);
  event.set_instances(group.CountLive() - (leaves && member.live() ? 1 : 0));
  event_log_.Add(std::move(event));
}

void InstancePool::Depart(Member& member, const Departure& why) {
  if (std::exchange(member.departed, true)) return;
  member.departed_because = std::string(why.reason);
  Note(member, why.action, why.reason, why.detail);
}

void InstancePool::Retire(Member& member, const Departure& why) {
  Depart(member, why);
  member.instance->Retire();
}

void InstancePool::Evict(Member& member, absl::string_view reason,
                         std::string detail) {
  log_.Info("instance evicted", {{"instance_id", member.instance->id()},
                                 {"reason", reason},
                                 {"detail", detail}});
  Depart(member,
         {.action = "evict", .reason = reason, .detail = std::move(detail)});
  // At once: what it takes is promised to another.
  member.instance->Abort(Error());
}

void InstancePool::StartEnded(const Member& member) {
  --warming_;
  if (member.on_demand()) --warming_on_demand_;
}

void InstancePool::Account(Member& member) {
  const absl::Time now = Now();
  groups_.at(member.instance->function().id())
      .memory_time.Add(member.accounted_as, member.memory,
                       now - member.accounted_at);
  member.accounted_as = member.state();
  member.accounted_at = now;
}

MemoryTime InstancePool::MemoryTimeOf(const FunctionGroup& group) const {
  MemoryTime sum = group.memory_time;
  for (const auto& [id, member] : group.members) {
    sum.Add(member->accounted_as, member->memory, Now() - member->accounted_at);
  }
  return sum;
}

absl::StatusOr<pb::ListEventsResponse> InstancePool::ListEvents(
    const pb::ListEventsRequest& request) const {
  if (request.after() < 0) {
    return InvalidArgument("after", "must be at least 0");
  }
  return event_log_.After(request.after());
}

}  // namespace so
